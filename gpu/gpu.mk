# gpu.mk - the CUDA backend, part of the Makefile.
#
# make GPU=1   build/banditspec-cuda.so with nvcc: sm_80, sm_90, sm_100, and PTX for what comes after. CUDA=DIR where the toolkit is.
# make test    compiles the same .cu files against the emulation of gpu/emu, where the CUDA headers are (CUDA_INCLUDE); no card, no nvcc.
# make mutate  seeded bugs: is each of them caught?
CUDA         ?= $(firstword $(patsubst %/bin/nvcc,%,$(shell command -v nvcc)) $(patsubst %/bin/nvcc,%,$(wildcard /usr/local/cuda/bin/nvcc)))
# CUDA=DIR: there and nowhere else. realpath: a link to nowhere is no header.
CUDA_PLACES  := $(CUDA)$(if $(filter command% environment%,$(origin CUDA)),, /usr/local/cuda /usr)
CUDA_INCLUDE ?= $(firstword $(patsubst %/cuda_runtime.h,%,$(realpath $(CUDA_PLACES:%=%/include/cuda_runtime.h))))
ARCHS        ?= 80 90 100
GPU_CU   := $(wildcard gpu/*.cu)
GPU_H    := $(wildcard gpu/*.h gpu/emu/*.h) core/backend.h core/err.h core/logarithm.h core/mem.h core/noise.h core/pool.h core/quants.h core/tensor.h
GPU_CORE := core/err.c core/mem.c core/pool.c core/tensor.c # what the shared object has copies of: it needs nothing of the program
GPU_OBJ  := $(GPU_CU:%.cu=%.o) gpu/pack.o $(GPU_CORE:%.c=%.o)

# -- for a card --
ifneq ($(GPU),)
ifeq ($(realpath $(CUDA)/bin/nvcc),)
$(error GPU=1 wants nvcc, and there is none$(if $(CUDA), in '$(CUDA)/bin') (CUDA=DIR where the toolkit is))
endif
endif
GPU_ARCH := $(foreach a,$(ARCHS),-gencode arch=compute_$(a)$(,)code=sm_$(a)) -gencode arch=compute_$(lastword $(ARCHS))$(,)code=compute_$(lastword $(ARCHS))
NVCC_OUT := $(BUILD)/nvcc
NVFLAGS  := -std=c++20 -O3 $(GPU_ARCH) -Werror all-warnings -Xcompiler -Wall$(,)-Wextra$(,)-fPIC$(,)-fvisibility=hidden -Xptxas -v -I.

$(NVCC_OUT)/gpu/choose.o: NVFLAGS += -fmad=false # noise is the host's to the bit

$(BUILD)/banditspec-cuda.so: $(GPU_OBJ:%=$(NVCC_OUT)/%)
	$(call say,LD,$@)
	$(Q)$(CUDA)/bin/nvcc -shared -o $@ $^ -Xlinker -Bsymbolic -lcublas -lpthread

$(NVCC_OUT)/%.o: %.cu $(GPU_H)
	$(call say,NVCC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CUDA)/bin/nvcc $(NVFLAGS) -c -o $@ $< 2> $(@:.o=.log) || { cat $(@:.o=.log); exit 1; }

$(NVCC_OUT)/%.o: %.cc $(GPU_H)
	$(call say,C++,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CXX) -std=c++20 -O2 -fPIC -fvisibility=hidden -Wall -Wextra -Werror -I. -c -o $@ $<

$(NVCC_OUT)/%.o: %.c $(GPU_H)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE -O2 -ffp-contract=off -fPIC -fvisibility=hidden -Wall -Wextra -Werror -I. -c -o $@ $<

# -- emulated --
# Three builds: plain, for results and speed; asan, with UBSan; tsan. Kernels are instrumented, the emulation itself is not. gcc has no
# redzones for it, and -fno-strict-aliasing is needed: kernels read vectors through pointers of other types.
EMU_FLAGS   = -x c++ -DCUEMU -std=gnu++20 -g1 -fPIC -fno-strict-aliasing -ffp-contract=off -fvisibility=hidden -Wall -Wextra -Werror -Wno-unknown-pragmas -I. -isystem $(CUDA_INCLUDE)
plain_FLAGS = -O2
asan_FLAGS  = -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
tsan_FLAGS  = -O1 -fsanitize=thread
asan_DEF    = -DCUEMU_ASAN
tsan_DEF    = -DCUEMU_TSAN
EMU_TESTS  := $(patsubst tests/gpu/%.c,%,$(wildcard tests/gpu/*.c))

define EMULATION
$(BUILD)/emu/$(1)/gpu/emu/%.o: gpu/emu/%.cc $(GPU_H)
	$$(call say,C++,$(1):$$<)
	$(Q)mkdir -p $$(@D)
	$(Q)$$(CXX) $$(EMU_FLAGS) -O3 $$($(1)_DEF) -c -o $$@ $$<
$(BUILD)/emu/$(1)/gpu/%.o: gpu/%.cu $(GPU_H)
	$$(call say,C++,$(1):$$<)
	$(Q)mkdir -p $$(@D)
	$(Q)$$(CXX) $$(EMU_FLAGS) $$($(1)_FLAGS) -c -o $$@ $$<
$(BUILD)/emu/$(1)/gpu/pack.o: gpu/pack.cc $(GPU_H)
	$(Q)mkdir -p $$(@D)
	$(Q)$$(CXX) $$(EMU_FLAGS) $$($(1)_FLAGS) -c -o $$@ $$<
$(BUILD)/emu/$(1)/core/%.o: core/%.c $(GPU_H)
	$(Q)mkdir -p $$(@D)
	$(Q)$$(CC) $$(FLAGS) -O2 -fPIC -fvisibility=hidden -c -o $$@ $$<
$(BUILD)/emu/$(1)/banditspec-cuda.so: $(GPU_OBJ:%=$(BUILD)/emu/$(1)/%) $(BUILD)/emu/$(1)/gpu/emu/cuemu.o $(BUILD)/emu/$(1)/gpu/emu/cuapi.o
	$$(call say,LD,$$@)
	$(Q)$$(CXX) -shared $$($(1)_FLAGS) -Wl,-Bsymbolic -o $$@ $$^ -lpthread
$(BUILD)/emu/$(1)/%: tests/gpu/%.c $(wildcard tests/*.h tests/gpu/*.h) $(BUILD)/libbanditspec.a $(BUILD)/emu/$(1)/banditspec-cuda.so
	$$(call say,CC,$(1):$$<)
	$(Q)$$(CC) $$(FLAGS) $$($(1)_FLAGS) $$$$(pkg-config --cflags cmocka) -o $$@ $$< $(BUILD)/libbanditspec.a $$$$(pkg-config --libs cmocka) $$(LIBS)
EMULATED += $(BUILD)/emu/$(1)/banditspec-cuda.so $(patsubst %,$(BUILD)/emu/$(1)/%,$(if $(filter tsan,$(1)),ops,$(EMU_TESTS)))
endef
ifneq ($(CUDA_INCLUDE),)
ifeq ($(SANITIZE)$(FUZZ)$(ARM),)
$(foreach v,plain asan tsan,$(eval $(call EMULATION,$(v))))
endif
endif

emulated: $(EMULATED)

.PHONY: emulated
.SECONDARY: $(filter %.o,$(EMULATED))

mutate: $(EMULATED)
	@tests/gpu/mutate.sh $(BUILD) $(CUDA_INCLUDE) $(WORD)
.PHONY: mutate
