/* tile.h - repacks rows of a tensor into the tiles that kernels.h draws. */
#ifndef CORE_TILE_H
#define CORE_TILE_H

#include "core/kernels.h"

/* The kind of tile that holds tensors of `type` (tensor.h), or -1. */
int tile_kind(uint32_t type);

/* Row `lane` of a tile of `kind` that was zeroed: `cols` values at `from`, in the file's blocks of `item` bytes. */
void tile_pack_row(enum tile_kind kind, const uint8_t *from, int item, uint8_t *tile, int cols, int lane);

#endif
