/* pack.h - how weights lie on the device.
 *
 * Floats (F32, F16, BF16): row-major, as in the file, for cuBLAS. Quantized: TILES of 32 output rows side by side, so that a lane of a
 * warp is an output row, its loads are 16 bytes beside its neighbours' 16, and its sum runs over the inputs in one fixed order. A unit is
 * 32 inputs of 32 rows; "4 bits" below: byte j of a lane's 16 holds values j (low nibble) and j + 16 (high).
 *
 *   Q4_0, Q4_1   a unit: [ 32 x 16 bytes of 4 bits | 32 x f16 scale ] or [ ... | 32 x (f16 scale, f16 minimum) ]
 *   Q8_0         [ 32 x 16 bytes, values 0..15 | 32 x 16 bytes, 16..31 | 32 x f16 scale ]
 *   Q8_M         the same with 32 x (float scale, float minimum): Q5_1 and Q5_K, whose values it holds exactly (Q5_0 becomes Q8_0)
 *   Q4_K         8 units: [ 32 x 16 bytes: f16 scale, f16 minimum, 12 bytes of 6-bit factors | 8 x (32 x 16 bytes of 4 bits) ]
 *   Q6_K         8 units: [ 8 x (32 x 16) of 4 bits | 8 x (32 x 8): two words, bits 2j, 2j + 1 of byte i in word w are the upper bits of
 *                value 16 w + 4 j + i | 32 x 16 int8 factors | 32 x f16 scale ]
 * As many bytes as in the file, for Q4_0, Q4_1, Q8_0, Q4_K and Q6_K. */
#ifndef GPU_PACK_H
#define GPU_PACK_H

#include <stddef.h>
#include <stdint.h>

enum pack_kind { PACK_F32, PACK_F16, PACK_BF16, PACK_Q4_0, PACK_Q4_1, PACK_Q8_0, PACK_Q8_M, PACK_Q4_K, PACK_Q6_K, PACK_KINDS };
enum { PACK_ROWS = 32, PACK_UNIT = 32, PACK_SUPER = 8 }; // rows of a tile; inputs of a unit; units of a K block

/* Bytes of a tile's unit, or of its eight units of a K block. */
#define PACK_BYTES_Q4_0 (32 * 16 + 32 * 2)
#define PACK_BYTES_Q4_1 (32 * 16 + 32 * 4)
#define PACK_BYTES_Q8_0 (32 * 32 + 32 * 2)
#define PACK_BYTES_Q8_M (32 * 32 + 32 * 8)
#define PACK_BYTES_Q4_K (32 * 16 + 8 * 32 * 16)
#define PACK_BYTES_Q6_K (8 * 32 * 16 + 8 * 32 * 8 + 32 * 16 + 32 * 2)

/* The kind that holds a tensor_type, -1: none. */
int pack_kind(uint32_t type);
const char *pack_name(int kind);

/* Bytes of a (rows, cols) matrix; rows beyond the last whole tile are padding. */
size_t pack_bytes(int kind, int rows, int cols);

/* Tile `tile` of a quantized matrix of the file's `type`: rows from..., `item` bytes a block of the file, into zeroed `to`. */
void pack_tile(uint32_t type, const uint8_t *data, int rows, int cols, int tile, uint8_t *to);

/* Bytes of one tile of a quantized kind. */
size_t pack_tile_bytes(int kind, int cols);

#endif
