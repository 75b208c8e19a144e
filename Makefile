# make          build/banditspec
# make deps     finds each dependency, installs only what is missing
# make demo     from a model file to a regret plot (see README.md)
# make test     the whole suite; make bench: speed as ratios; make SANITIZE=1 ...: ASan + UBSan
VERSION := 0.1.0
CC      ?= gcc
BUILD   := build$(if $(SANITIZE),-sanitize)
PKGS    := gsl sqlite3 libpcre2-8 libutf8proc jansson libcrypto
PKGFLAGS = $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKGLIBS  = $(shell pkg-config --libs $(PKGS) 2>/dev/null)
CFLAGS  ?= -O2 -g
, := ,
SANFLAGS := $(if $(SANITIZE),-fsanitize=address$(,)undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
FLAGS    = -std=c11 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -I. -Wall -Wextra -Werror -Wno-unknown-pragmas -Wno-missing-field-initializers \
           -ffp-contract=off -fopenmp $(SANFLAGS) $(PKGFLAGS) $(CFLAGS)
LIBS     = $(PKGLIBS) -lm -ldl -fopenmp $(SANFLAGS)

SRC  := $(filter-out core/main.c,$(wildcard core/*.c policies/*.c traces/*.c sim/*.c analysis/*.c))
SQL  := traces/schema.sql sim/results.sql $(wildcard analysis/*.sql)
GP   := $(wildcard analysis/*.gp)
OBJ  := $(SRC:%.c=$(BUILD)/%.o) $(SQL:%=$(BUILD)/%.o) $(GP:%=$(BUILD)/%.o)
TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/test_*.c))

all: $(BUILD)/banditspec

$(BUILD)/banditspec: $(BUILD)/core/main.o $(BUILD)/libbanditspec.a
	$(CC) -o $@ $^ $(LIBS)

$(BUILD)/libbanditspec.a: $(OBJ)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(FLAGS) -MMD -MP -c -o $@ $<

# SQL files and gnuplot scripts become strings: traces/schema.sql is `const char sql_traces_schema[]`,
# analysis/style.gp is `gp_analysis_style[]`.
define TEXT_RULE
$(BUILD)/%.$(1).o: %.$(1)
	@mkdir -p $$(@D)
	@{ echo 'extern const char $(1)_$$(subst /,_,$$*)[]; const char $(1)_$$(subst /,_,$$*)[] ='; \
	  sed 's/\\/\\\\/g; s/"/\\"/g; s/^/"/; s/$$$$/\\n"/' $$<; echo ';'; } > $$(@:.o=.c)
	$$(CC) -std=gnu11 -c -o $$@ $$(@:.o=.c)
endef
$(foreach kind,sql gp,$(eval $(call TEXT_RULE,$(kind))))

$(BUILD)/tests/%: tests/%.c $(BUILD)/libbanditspec.a
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(shell pkg-config --cflags cmocka) -MMD -MP -o $@ $< $(BUILD)/libbanditspec.a $(shell pkg-config --libs cmocka) $(LIBS)

clean:
	rm -rf build build-sanitize

.PHONY: all clean
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
