/* state_file.h - what a policy has learned, as a file.
 *
 * Little-endian, and the state as the machine that wrote it has it in memory:
 *
 *   at  0  "BSPSTATE"
 *       8  u32 format, 1
 *      12  u32 0x01020304 in the writer's own byte order
 *      16  u64 bytes of the whole file
 *      24  text version of the program        (a text: u32 length, then its bytes)
 *          text spec, canonical: "ucbspec:delta=0.1"
 *          u32 K, D, L, R
 *          K times: u32 drafter (-1 plain), u32 gamma, text name
 *          u64 bytes of state, the state
 *   last   u64 FNV-1a, 64 bits, of all before it: any one changed byte changes it
 *
 * A state means something only to the same program, policy, parameters and arms (a policy may hold indices into them), so each is
 * compared and what differs is named. It is not checked further: the checksum is against accidents, not against malice. */
#ifndef POLICIES_STATE_FILE_H
#define POLICIES_STATE_FILE_H

#include "policies/policy.h"

/* Writes the agent's state beside `path`, to the disk, and renames it: a reader sees the old file or the new one. */
int state_save(const struct agent *a, const char *path, struct err *err);

/* The agent goes on from what the file holds; agent_reset returns to it from now on. On failure the agent is as before. */
int state_load(struct agent *a, const char *path, struct err *err);

/* The same when there is such a file; without one the agent stays new. */
int state_load_if_there(struct agent *a, const char *path, struct err *err);

/* The same to and from memory. state_write returns how many bytes it takes (null: writes none); `path` is for messages. */
size_t state_write(const struct agent *a, unsigned char *bytes);
int state_read(struct agent *a, const unsigned char *bytes, size_t n, const char *path, struct err *err);

#endif
