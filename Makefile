# make                    build/banditspec
# make test               the whole suite; ends with "N passed, N failed"
# make demo [MODEL=FILE]  from a model file to regret plots (traces/demo/demo.sh)
# make bench [MODEL=FILE] speed, as ratios that carry over between machines
# make fuzz               every parser under libFuzzer (clang), SECONDS_EACH=60 a target; what breaks lands in tests/fuzz/regressions
# make check-arm          kernel and model tests for aarch64 under qemu-user
# make check-report       reports in headless Chromium: light and dark, desk and phone, contrast, captions
# make deps               finds each dependency, says and installs only what is missing; test, demo and bench call it
# make lib                build/libbanditspec_policy.so and .a: the policies for other inference engines (policies/banditspec_policy.h)
# make GPU=1              the CUDA backend as well, build/banditspec-cuda.so (gpu/README.md); CUDA=DIR
# make mutate             seeded bugs in the CUDA backend: does a test notice each?
# make install            program, library, headers and pkg-config file; PREFIX=/usr/local LIBDIR=PREFIX/lib DESTDIR=
# make clean
# SANITIZE=1 with any of them: AddressSanitizer and UBSan, in build-sanitize/.  V=1: whole command lines.
VERSION := 0.1.0
PREFIX  ?= /usr/local
LIBDIR  ?= $(PREFIX)/lib
BUILD   := build$(if $(ARM),-arm,$(if $(FUZZ),-fuzz,$(if $(SANITIZE),-sanitize)))
CFLAGS  ?= $(if $(FUZZ),-O1 -g1,$(if $(SANITIZE),-O2 -g1,-O2 -g))
PKGS    := gsl sqlite3 libpcre2-8 libutf8proc jansson libcrypto libzip libdivsufsort

MAKEFLAGS += -j$(shell getconf _NPROCESSORS_ONLN)
Q   := $(if $(V),,@)
say  = $(if $(V),,@printf '  %-4s %s\n' $(1) $(2))

# At reading time, because what follows asks pkg-config: on a bare machine `make test` is the whole set-up.
ifneq ($(filter deps test demo bench fuzz check-arm check-report,$(MAKECMDGOALS)),)
ifeq ($(findstring n,$(firstword -$(MAKEFLAGS))),)
ifneq ($(shell tests/deps.sh $(filter demo bench fuzz check-arm check-report,$(MAKECMDGOALS)) >&2 && echo found),found)
$(error dependencies are missing, see above)
endif
endif
endif

, := ,
SANFLAGS := $(if $(SANITIZE)$(FUZZ),-fsanitize=address$(,)undefined$(if $(FUZZ),$(,)fuzzer-no-link) -fno-sanitize-recover=all -fno-omit-frame-pointer)
PKGFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKGLIBS  := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
FLAGS    := -std=c11 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -I. -Wall -Wextra -Werror -Wno-unknown-pragmas -Wno-missing-field-initializers -Wno-psabi \
            -ffp-contract=off -fno-math-errno -fopenmp $(SANFLAGS) $(PKGFLAGS) $(CFLAGS)
LIBS     := $(PKGLIBS) -lm -ldl -fopenmp $(SANFLAGS)

# Sweeps over many processes, where MPI is found (NO_MPI=1: without). Sanitizers would report its own leaks.
MPI := $(if $(NO_MPI)$(SANITIZE)$(FUZZ)$(ARM),,$(firstword $(foreach m,ompi-c mpich,$(shell pkg-config --exists $(m) 2>/dev/null && echo $(m)))))
ifneq ($(MPI),)
LIBS += $(shell pkg-config --libs $(MPI))
$(BUILD)/sim/crew.o: FLAGS += -DBANDITSPEC_MPI $(shell pkg-config --cflags $(MPI))
endif

SRC   := $(filter-out core/main.c,$(wildcard core/*.c policies/*.c traces/*.c sim/*.c analysis/*.c))
SQL   := traces/schema.sql $(wildcard sim/*.sql analysis/*.sql)
GP    := $(wildcard analysis/*.gp) $(wildcard analysis/*.css)
OBJ   := $(SRC:%.c=$(BUILD)/%.o) $(SQL:%=$(BUILD)/%.o) $(GP:%=$(BUILD)/%.o) $(BUILD)/sim/code_version.o
TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/test_*.c)) $(wildcard tests/test_*.sh)
TARGETS := $(patsubst tests/fuzz/%.c,%,$(filter-out tests/fuzz/replay.c,$(wildcard tests/fuzz/*.c)))

all: $(BUILD)/banditspec $(if $(GPU),$(BUILD)/banditspec-cuda.so)

include gpu/gpu.mk

$(BUILD)/core/backend.o: FLAGS += -DLIBDIR='"$(LIBDIR)/banditspec"'

$(BUILD)/banditspec: $(BUILD)/core/main.o $(BUILD)/libbanditspec.a $(BUILD)/plugin.exports $(BUILD)/include/banditspec/plugin.h
	$(call say,LD,$@)
	$(Q)$(CC) -o $@ $(filter %.o %.a,$^) $(EXPORT) $(LIBS)
	@echo "  $@: the CPU backend$(if $(GPU),, (make GPU=1 adds the one for CUDA))"

$(BUILD)/libbanditspec.a: $(OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

# One header for a plug-in: policies/plugin.h with those it includes, less the program's side of them. What they declare is exported.
PLUGIN := core/err.h core/rng.h policies/stop.h policies/arms.h policies/policy.h policies/cost.h policies/plugin.h
EXPORT := $(if $(filter Darwin,$(shell uname)),,-Wl$(,)--dynamic-list=$(BUILD)/plugin.exports)

$(BUILD)/include/banditspec/plugin.h: $(PLUGIN) Makefile
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q){ echo '/* <banditspec/plugin.h>, made from $(PLUGIN) */'; \
	  awk '/^#ifndef BANDITSPEC_PLUGIN/ { ours = 1 } !ours && !/^#include "/; /^#endif/ { ours = 0 }' $(PLUGIN); } > $@

$(BUILD)/plugin.exports: $(BUILD)/include/banditspec/plugin.h
	$(Q){ echo '{'; sed -nE '/^static|^typedef/!s/^[a-z][a-z0-9_ ]*[ *]([a-z0-9_]+)\(.*/  \1;/p' $<; echo '};'; } > $@

$(BUILD)/%.o: %.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(FLAGS) -MMD -MP -c -o $@ $<

# What a run's counts and seconds depend on (sim/code.h): what all policies share, and the file of each: `policies/ucb1.c:ucb1`.
OWN       := $(shell grep -o '^const struct policy policy_[a-z0-9_]*' policies/*.c | sed 's/const struct policy policy_//')
OWN_FILES := $(sort $(foreach x,$(OWN),$(firstword $(subst :, ,$x))))
PLAYS     := $(filter-out policies/list.h policies/cmd_% $(OWN_FILES), \
             $(sort $(wildcard policies/*.[ch] sim/cost*.[ch] sim/priced.[ch] sim/world*.[ch]) core/elementary.h core/logarithm.h core/log_table.h \
             $(foreach f,core/rng traces/trace sim/episode sim/lanes sim/lineup sim/oracle sim/replay sim/sweep,$(f).c $(f).h)))
$(BUILD)/sim/code_version.o: $(PLAYS) $(OWN_FILES) sim/code.h
	$(call say,HASH,$@)
	$(Q)mkdir -p $(@D)
	@{ echo '#include "sim/code.h"'; echo "const char code_version[] = \"$$(cat $(PLAYS) | sha256sum | cut -c1-64)\";"; \
	   echo 'const struct policy_code policy_codes[] = {'; \
	   for x in $(OWN); do echo "{\"$$(echo $${x#*:} | tr _ -)\", \"$$(sha256sum <$${x%:*} | cut -c1-64)\"},"; done; echo '{0, 0}};'; } >$(@:.o=.c)
	$(Q)$(CC) -std=gnu11 -I. -c -o $@ $(@:.o=.c)

# The policies alone, for other engines. Only bsp_* is seen from outside, in the archive as well: there the objects are linked into one first.
LIB    := $(BUILD)/libbanditspec_policy
LIBABI := 1
LIBSRC := core/err.c core/mem.c core/rng.c $(filter-out policies/cmd_%.c policies/plugin.c,$(wildcard policies/*.c))
LIBOBJ := $(LIBSRC:%.c=$(BUILD)/lib/%.o)
LIBSEEN := $(if $(filter Darwin,$(shell uname)),,-Wl$(,)-soname$(,)libbanditspec_policy.so.$(LIBABI) -Wl$(,)--version-script=policies/banditspec_policy.map)

lib: $(LIB).so $(LIB).a

$(BUILD)/lib/%.o: %.c
	$(call say,CC,"$< (lib)")
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -fopenmp,$(FLAGS)) -fPIC -fvisibility=hidden -MMD -MP -c -o $@ $<

$(LIB).so.$(LIBABI): $(LIBOBJ) policies/banditspec_policy.map
	$(call say,LD,$@)
	$(Q)$(CC) -shared $(LIBSEEN) -o $@ $(LIBOBJ) -lm -lpthread $(SANFLAGS)

$(LIB).so: $(LIB).so.$(LIBABI)
	$(Q)ln -sf $(<F) $@

$(LIB).a: $(LIBOBJ)
	$(call say,AR,$@)
	$(Q)$(CC) -r -nostdlib -o $(BUILD)/lib/all.o $^
	$(Q)$(if $(filter Darwin,$(shell uname)),,objcopy --localize-hidden $(BUILD)/lib/all.o)
	$(Q)rm -f $@ && ar rcs $@ $(BUILD)/lib/all.o

# SQL files, gnuplot scripts and style sheets become strings: traces/schema.sql is `const char sql_traces_schema[]`,
# analysis/style.gp is `gp_analysis_style[]`.
define TEXT_RULE
$(BUILD)/%.$(1).o: %.$(1)
	$$(call say,TEXT,$$<)
	$(Q)mkdir -p $$(@D)
	@{ echo 'extern const char $(1)_$$(subst /,_,$$*)[]; const char $(1)_$$(subst /,_,$$*)[] ='; \
	  sed 's/\\/\\\\/g; s/"/\\"/g; s/^/"/; s/$$$$/\\n"/' $$<; echo ';'; } > $$(@:.o=.c)
	$(Q)$$(CC) -std=gnu11 -c -o $$@ $$(@:.o=.c)
endef
$(foreach kind,sql gp css,$(eval $(call TEXT_RULE,$(kind))))

$(BUILD)/tests/%: tests/%.c $(BUILD)/libbanditspec.a
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(FLAGS) $$(pkg-config --cflags cmocka) -MMD -MP -o $@ $< $(BUILD)/libbanditspec.a $$(pkg-config --libs cmocka) $(LIBS)

# The corpus and every regression, with the ordinary compiler: tests/test_fuzz.sh.
$(BUILD)/tests/fuzz/%: tests/fuzz/%.c tests/fuzz/$(if $(FUZZ),fuzz.h,replay.c) $(BUILD)/libbanditspec.a
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(FLAGS) $(if $(FUZZ),-fsanitize=fuzzer) -o $@ $(filter %.c,$^) $(BUILD)/libbanditspec.a $(LIBS)

fuzzers: $(TARGETS:%=$(BUILD)/tests/fuzz/%)

fuzz:
	@$(MAKE) --no-print-directory FUZZ=1 CC=clang fuzzers
	@tests/fuzz.sh build-fuzz/tests/fuzz $(TARGETS)

check-arm:
	+@tests/check_arm.sh

check-report: $(BUILD)/banditspec
	@tests/check_report.sh $(BUILD)

test: $(TESTS) $(TARGETS:%=$(BUILD)/tests/fuzz/%) $(BUILD)/banditspec lib $(EMULATED)
	$(if $(EMULATED),,@echo "  left out: tests of the CUDA backend, which want the CUDA headers (CUDA=DIR) and no sanitizer of their own")
	@BUILD=$(BUILD) tests/run.sh $(BUILD)/tests $(TESTS)

demo: $(BUILD)/banditspec
	@traces/demo/demo.sh $(BUILD) $(if $(MODEL),"$(MODEL)")

$(BUILD)/tests/test_figures: LIBS += -lz # reads PNG; libzip is built on it

$(BUILD)/tests/bench_prefill: FLAGS += $(shell pkg-config --cflags openblas 2>/dev/null)
$(BUILD)/tests/bench_prefill: LIBS := $(shell pkg-config --libs openblas 2>/dev/null) $(LIBS) # before GSL, which brings a cblas_sgemm of its own

bench: $(BUILD)/banditspec $(BUILD)/tests/bench_replay $(BUILD)/tests/bench_policies $(BUILD)/tests/bench_lanes $(BUILD)/tests/bench_prefill $(BUILD)/tests/bench_serving
	@tests/bench.sh $(BUILD) $(if $(MODEL),"$(MODEL)")

deps:
	@echo "deps: everything is here"

install: $(BUILD)/banditspec lib
	$(Q)install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/include/banditspec $(DESTDIR)$(LIBDIR)/pkgconfig
	$(Q)install -m 755 $< $(DESTDIR)$(PREFIX)/bin/banditspec
	$(Q)install -m 755 $(LIB).so.$(LIBABI) $(DESTDIR)$(LIBDIR)
	$(Q)ln -sf libbanditspec_policy.so.$(LIBABI) $(DESTDIR)$(LIBDIR)/libbanditspec_policy.so
	$(Q)install -m 644 $(LIB).a $(DESTDIR)$(LIBDIR)
	$(Q)install -m 644 policies/banditspec_policy.h $(DESTDIR)$(PREFIX)/include
	$(Q)install -m 644 $(BUILD)/include/banditspec/plugin.h $(DESTDIR)$(PREFIX)/include/banditspec
	$(Q)sed 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@VERSION@|$(VERSION)|' policies/banditspec-policy.pc.in >$(DESTDIR)$(LIBDIR)/pkgconfig/banditspec-policy.pc
	$(Q)[ ! -f $(BUILD)/banditspec-cuda.so ] || { install -d $(DESTDIR)$(LIBDIR)/banditspec && install -m 755 $(BUILD)/banditspec-cuda.so $(DESTDIR)$(LIBDIR)/banditspec; }
	@echo "  installed under $(DESTDIR)$(PREFIX)"

clean:
	rm -rf build build-sanitize build-fuzz build-arm

.PHONY: all lib test demo bench fuzz fuzzers check-arm check-report deps install clean
-include $(shell find $(BUILD) -name '*.d' -type f 2>/dev/null)
