/* log_table.h - ln(n + 1) of small whole n, as elementary_log_next() gives them counting upwards.
 *
 * Most episodes of speculative decoding have fewer rounds than this, and a load is less work than a division and a series. From 16 on
 * these are not the nearest doubles but those of its series, within 32 ulp. tests/test_elementary.c works every one out again. */
#ifndef CORE_LOG_TABLE_H
#define CORE_LOG_TABLE_H

enum { LOGARITHMS = 128 };

static const double logarithms[LOGARITHMS] = {
    0, 0x1.62e42fefa39efp-1, 0x1.193ea7aad030ap+0, 0x1.62e42fefa39efp+0, 0x1.9c041f7ed8d33p+0,
    0x1.cab0bfa2a2002p+0, 0x1.f2272ae325a57p+0, 0x1.0a2b23f3bab73p+1, 0x1.193ea7aad030bp+1, 0x1.26bb1bbb55516p+1,
    0x1.32ee3b77f374cp+1, 0x1.3e116bcd39e7dp+1, 0x1.485042b318c51p+1, 0x1.51cca16d7bba7p+1, 0x1.5aa16394d481fp+1,
    0x1.62e42fefa39efp+1, 0x1.6aa6bc1fa7f7ap+1, 0x1.71f7b3a6b9187p+1, 0x1.78e360604b32dp+1, 0x1.7f7427b73e392p+1,
    0x1.85b2e946faeb2p+1, 0x1.8ba74773dc5c9p+1, 0x1.9157dfdd1b3f2p+1, 0x1.96ca77c922cfbp+1, 0x1.9c041f7ed8d36p+1,
    0x1.a1094eaf01acfp+1, 0x1.a5ddfb8038492p+1, 0x1.aa85ad6964a25p+1, 0x1.af038cbcdfe2p+1, 0x1.b35a6f90bd69cp+1,
    0x1.b78ce48912b5bp+1, 0x1.bb9d3beb8c86cp+1, 0x1.bf8d8f4d5b8d2p+1, 0x1.c35fc81b90df7p+1, 0x1.c715a530ff3c7p+1,
    0x1.cab0bfa2a2004p+1, 0x1.ce328ee3ac7bfp+1, 0x1.d19c6c5c341aap+1, 0x1.d4ef968880dd8p+1, 0x1.d82d33b32720fp+1,
    0x1.db565458eac5p+1, 0x1.de6bf542e3d2fp+1, 0x1.e16f01614ec13p+1, 0x1.e460536fc5445p+1, 0x1.e740b76a3c9a6p+1,
    0x1.ea10ebd90426ep+1, 0x1.ecd1a2f90f0b9p+1, 0x1.ef8383c50bb77p+1, 0x1.f2272ae325a5ap+1, 0x1.f4bd2b7ac1bb2p+1,
    0x1.f7460ff510102p+1, 0x1.f9c25aaaea94bp+1, 0x1.fc32868223cadp+1, 0x1.fe97077c2130ep+1, 0x1.0078259bafef4p+2,
    0x1.019f5cb2a6c51p+2, 0x1.02c15a1ad9a5ap+2, 0x1.03de4c5c6464ep+2, 0x1.04f65f9c72979p+2, 0x1.0609bdc65328cp+2,
    0x1.07188eb126c0ep+2, 0x1.0822f8427dcecp+2, 0x1.09291e8e3181cp+2, 0x1.0a2b23f3bab74p+2, 0x1.0b29293942975p+2,
    0x1.0c234da4a23a6p+2, 0x1.0d19af128112dp+2, 0x1.0e0c6a0bbce38p+2, 0x1.0efb99d941abap+2, 0x1.0fe758967412p+2,
    0x1.10cfbf424d6c8p+2, 0x1.11b4e5cf4573ep+2, 0x1.1296e33222fe5p+2, 0x1.1375cd6fcab1bp+2, 0x1.1451b9aa2075bp+2,
    0x1.152abc2c0e811p+2, 0x1.1600e874c323bp+2, 0x1.16d4514234e28p+2, 0x1.17a5089afb172p+2, 0x1.18731fd788043p+2,
    0x1.193ea7aad0309p+2, 0x1.1a07b02a69d63p+2, 0x1.1ace48d62e48p+2, 0x1.1b92809f665d3p+2, 0x1.1c5465ef8a308p+2,
    0x1.1d1406ae9bd45p+2, 0x1.1dd1704923fd1p+2, 0x1.1e8cafb5d715fp+2, 0x1.1f45d17ae8af6p+2, 0x1.1ffce1b312c1p+2,
    0x1.20b1ec1255cbep+2, 0x1.2164fbea76873p+2, 0x1.22161c2f3d66fp+2, 0x1.22c5577a7bf98p+2, 0x1.2372b80fdbce2p+2,
    0x1.241e47e07a4f7p+2, 0x1.24c8108e54bf7p+2, 0x1.25701b6f87469p+2, 0x1.2616719161d2bp+2, 0x1.26bb1bbb55515p+2,
    0x1.275e2271bba3p+2, 0x1.27ff8df87c7bdp+2, 0x1.289f6655913ebp+2, 0x1.293db35369be1p+2, 0x1.29da7c8333aa4p+2,
    0x1.2a75c93f06592p+2, 0x1.2b0fa0abf475ap+2, 0x1.2ba809bc050c2p+2, 0x1.2c3f0b3015505p+2, 0x1.2cd4ab99a462fp+2,
    0x1.2d68f15c8a4ap+2, 0x1.2dfbe2b09b38cp+2, 0x1.2e8d85a33835ap+2, 0x1.2f1de018ce195p+2, 0x1.2facf7ce43d43p+2,
    0x1.303ad25a58d89p+2, 0x1.30c7752ef47acp+2, 0x1.3152e59a670b5p+2, 0x1.31dd28c89d651p+2, 0x1.326643c4479c7p+2,
    0x1.32ee3b77f374ap+2, 0x1.337514af1b349p+2, 0x1.33fad417296e8p+2, 0x1.347f7e4072427p+2, 0x1.3503179f229e5p+2,
    0x1.3585a48c25f57p+2, 0x1.3607294602e4p+2, 0x1.3687a9f1af2afp+2,
};

#endif
