/* tokenizer_model.h - the tokenizer that belongs to a model, wherever its files have it. */
#ifndef CORE_TOKENIZER_MODEL_H
#define CORE_TOKENIZER_MODEL_H

#include "core/model.h"
#include "core/tokenizer.h"

/* A GGUF file's metadata, or the directory's tokenizer.json with the end tokens of generation_config.json
 * and config.json. A directory without tokenizer.json runs on token ids alone (prompt_ids, --ids):
 * text cannot be encoded then, and token 7 is written as "<7>". The model may be closed afterwards. */
int tokenizer_open_model(struct tokenizer *t, const struct model *m, struct err *err);

#endif
