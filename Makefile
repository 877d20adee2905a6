# Pontage.  `make help` lists the targets; V=1 shows the commands.

SHELL := /bin/bash
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
VERSION := 0.1.0

# --- what is built -----------------------------------------------------------
# Lists are made from the folders: a new file needs no line here.

LIB_SRC := $(filter-out lib/gen/%,$(sort $(wildcard lib/*/*.c)))
RELAY_SRC := $(sort $(wildcard fcgi/*.c))
ADMIN_SRC := $(sort $(wildcard admin-cgi/*.c))
CLI_SRC := $(sort $(wildcard cli/*.c))
UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
PROGRAMS := relay.fcgi admin.fcgi pontage selftest upstream
TOOLS := upstream load fcgi-client run-cases ids

# --- how ---------------------------------------------------------------------


PKGS := libcurl json-c sqlite3 libpcre2-8 libsodium libcrypto
CC := gcc
# Texts are cut to fit on purpose (err.h): format-truncation is no finding.
AR := gcc-ar
CLANG := clang
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	-Wformat=2 -Wno-format-truncation -Wwrite-strings -Wundef -Werror
BASE_FLAGS := -std=gnu17 -g $(WARN) -Ilib -Ibuild/gen -include lib/base/banned.h \
	-DPONTAGE_VERSION='"$(VERSION)"' -D_GNU_SOURCE -fno-strict-aliasing \
	-ftrivial-auto-var-init=zero
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lfcgi -lpthread -lm
# Where it is missing, --version and doctor say so.
ifeq ($(shell pkg-config --exists libseccomp 2>/dev/null && echo yes),yes)
PKG_CFLAGS += -DWITH_SECCOMP $(shell pkg-config --cflags libseccomp)
PKG_LIBS += $(shell pkg-config --libs libseccomp)
endif

# A variant is a folder under build/, its flags and its linker flags.
FLAGS_release := -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong \
	-fstack-clash-protection -fcf-protection -fPIE
LINK_release := -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed
FLAGS_asan := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer -fPIE
LINK_asan := -pie -fsanitize=address,undefined
FLAGS_tsan := -O1 -fsanitize=thread -fno-omit-frame-pointer -fPIE
LINK_tsan := -pie -fsanitize=thread
FLAGS_cov := -O0 --coverage -fPIE
LINK_cov := -pie --coverage

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-6s %s\n'
endif

DIR_release := build
DIR_asan := build/asan
DIR_tsan := build/tsan
DIR_cov := build/cov

.PHONY: all help
all: $(PROGRAMS:%=build/%)

help:
	@printf '%s\n' \
	'make           build relay.fcgi, admin.fcgi and pontage into build/' \
	'make run       build, start gateway and web server on ./state' \
	'make ranks     fetch and convert rank data, for exact token counts' \
	'make check     everything below, and the end-to-end tests' \
	'make lint      layers, headers, format, tidy, sizes, shell' \
	'make test      unit and relay tests under ASan and UBSan' \
	'make tsan      unit tests with threads, the relay cases, RACES_S of load, under TSan' \
	'make cases     the relay cases through the programs, under ASan' \
	'make selftest  every fault of an upstream, with two channels: a scorecard' \
	'make e2e       through a real web server, on loopback' \
	'make e2e-asan  the same under ASan and UBSan' \
	'make fuzz      each fuzzer for FUZZ_S seconds (10)' \
	'make bench     speed and memory beside their budgets' \
	'make storm     kill -9, locks and a full disk under STORM_N requests' \
	'make storm-mutants  the same must fail with programs that are wrong' \
	'make flip      FLIP_S seconds (60) of a channel that changes its mood' \
	'make culprits  what 200 streams feel of a bad neighbour' \
	'make hold      STREAMS=10000 streams at once, and their memory' \
	'make cov       line coverage' \
	'make format    let clang-format have its way' \
	'make install   DESTDIR= PREFIX=/usr'

# --- generated ---------------------------------------------------------------

GEN := build/gen/sql.h build/gen/sql.c build/gen/pages.h build/gen/pages.c
SQL_QUERY := $(sort $(wildcard sql/query/*.sql))
SQL_SCHEMA := $(sort $(wildcard sql/schema/*.sql))
SQL_SEED := $(sort $(wildcard sql/seed/*.sql))
PAGES := $(sort $(wildcard admin-cgi/tmpl/*.html))

build/gen/sql.h build/gen/sql.c &: lib/gen/sqlgen.awk $(SQL_QUERY) $(SQL_SCHEMA) $(SQL_SEED)
	$(say) GEN sql
	@mkdir -p build/gen
	$(Q)awk -v OUT=build/gen/sql -f lib/gen/sqlgen.awk $(SQL_QUERY) $(SQL_SCHEMA) $(SQL_SEED)

# Static files by name and by the start of their hash: pontage.css=0123abcd
ASSETS := $(sort $(wildcard htdocs/*.css htdocs/*.js htdocs/*.svg htdocs/*.png))
HASHES = $(shell [ -z "$(ASSETS)" ] || sha256sum $(ASSETS) | sed 's,^\(........\)[^ ]*  htdocs/\(.*\),\2=\1,')

build/gen/pages.h build/gen/pages.c &: lib/gen/embed.awk $(PAGES) $(ASSETS)
	$(say) GEN pages
	@mkdir -p build/gen
	$(Q)awk -v OUT=build/gen/pages -v ASSETS='$(HASHES)' -f lib/gen/embed.awk $(PAGES)

# Rank data of the published encodings, for exact token counts; without npm
# there are estimates.  RANKS_FROM goes into the files.
RANKS := build/ranks/o200k_base.ranks build/ranks/cl100k_base.ranks
RANKS_FROM := tiktoken 1.0.22 of npm, MIT
RANKS_NPM := build/ranks/npm/.installed
MKRANKS_SRC := lib/gen/mkranks.c lib/count/vocab.c \
	$(addprefix lib/base/,buf.c err.c mem.c str.c)

.PHONY: ranks ranks-if-npm
ranks: $(RANKS)

# For who wants to run it: says in a line what is missing, and goes on.
ranks-if-npm:
	@for f in $(RANKS); do [ -e $$f ] || want=1; done; \
	[ -z "$$want" ] || { command -v npm >/dev/null && \
		$(MAKE) --no-print-directory ranks 2>build/ranks.log; } || \
		echo 'run: tokens are estimated: no npm to fetch rank data with (docs/counting.md)'

$(RANKS_NPM): lib/count/ranks/package-lock.json lib/count/ranks/package.json
	$(say) NPM $(@D)
	@rm -rf $(@D) && mkdir -p $(@D) && cp $^ $(@D)
	$(Q)cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund --no-progress \
		--loglevel=error --fetch-retries=1 --fetch-timeout=20000 >/dev/null
	@touch $@

build/tools/mkranks: $(MKRANKS_SRC) lib/count/vocab.h
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE_FLAGS) -O2 -o $@ $(MKRANKS_SRC)

build/ranks/%.ranks: $(RANKS_NPM) build/tools/mkranks
	$(say) RANKS $@
	$(Q)build/tools/mkranks '$(RANKS_FROM)' \
		build/ranks/npm/node_modules/tiktoken/encoders/$*.json $@

# --- objects and programs, once a variant ------------------------------------

define variant
OBJ_LIB_$(1) := $$(LIB_SRC:%.c=$$(DIR_$(1))/obj/%.o) $$(DIR_$(1))/obj/gen/sql.o

$$(DIR_$(1))/obj/%.o: %.c | $$(GEN)
	$$(say) CC $$<
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(BASE_FLAGS) $$(PKG_CFLAGS) $$(FLAGS_$(1)) $$(CFLAGS) -MMD -MP -c -o $$@ $$<

$$(DIR_$(1))/obj/gen/%.o: build/gen/%.c | $$(GEN)
	$$(say) CC $$<
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(BASE_FLAGS) $$(FLAGS_$(1)) $$(CFLAGS) -MMD -MP -c -o $$@ $$<

$$(DIR_$(1))/lib.a: $$(OBJ_LIB_$(1))
	$$(say) AR $$@
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $$^

$$(DIR_$(1))/relay.fcgi: $$(RELAY_SRC:%.c=$$(DIR_$(1))/obj/%.o) $$(DIR_$(1))/lib.a
$$(DIR_$(1))/admin.fcgi: $$(ADMIN_SRC:%.c=$$(DIR_$(1))/obj/%.o) $$(DIR_$(1))/obj/gen/pages.o $$(DIR_$(1))/lib.a
$$(DIR_$(1))/pontage: $$(CLI_SRC:%.c=$$(DIR_$(1))/obj/%.o) $$(DIR_$(1))/lib.a
# For pontage selftest: what tries the gateway, and the upstream it has.
$$(DIR_$(1))/selftest: $$(patsubst %.c,$$(DIR_$(1))/obj/%.o,$$(wildcard tests/selftest/*.c) \
	tests/relay/fcgi.c tests/relay/relay_case.c tests/relay/relay_case_answer.c) $$(DIR_$(1))/lib.a
$$(DIR_$(1))/upstream: $$(patsubst %.c,$$(DIR_$(1))/obj/%.o,$$(wildcard tests/mock/*.c)) $$(DIR_$(1))/lib.a
$$(PROGRAMS:%=$$(DIR_$(1))/%):
	$$(say) LINK $$@
	$$(Q)$$(CC) $$(LINK_$(1)) $$(LDFLAGS) -o $$@ $$^ $$(PKG_LIBS)

$$(DIR_$(1))/unit/%: $$(DIR_$(1))/obj/tests/unit/%.o $$(DIR_$(1))/lib.a
	$$(say) LINK $$@
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(LINK_$(1)) -o $$@ $$(filter %.o,$$^) $$(filter %.a,$$^) $$(PKG_LIBS) -lcmocka

# What is in no library, but in a program.
$$(DIR_$(1))/unit/test_timer: $$(DIR_$(1))/obj/fcgi/timer.o
$$(DIR_$(1))/unit/test_front_head: $$(DIR_$(1))/obj/fcgi/front_head.o
$$(DIR_$(1))/unit/test_record: $$(DIR_$(1))/obj/fcgi/record.o
$$(DIR_$(1))/unit/test_fair: $$(DIR_$(1))/obj/fcgi/fair.o
$$(DIR_$(1))/unit/test_waited: $$(DIR_$(1))/obj/fcgi/waited.o
$$(DIR_$(1))/unit/test_args: $$(DIR_$(1))/obj/cli/args.o
$$(DIR_$(1))/unit/test_route: $$(addprefix $$(DIR_$(1))/obj/,admin-cgi/health.o \
	admin-cgi/metrics.o admin-cgi/route.o gen/pages.o)
# The relay's world, and the cases that the runner plays too.
$$(DIR_$(1))/unit/test_relay $$(DIR_$(1))/unit/test_relay_life \
$$(DIR_$(1))/unit/test_relay_attempts $$(DIR_$(1))/unit/test_relay_retry \
$$(DIR_$(1))/unit/test_relay_budget \
$$(DIR_$(1))/unit/test_relay_cases: \
	$$(addprefix $$(DIR_$(1))/obj/tests/,unit/relay_world.o \
	unit/relay_story.o relay/peek.o) $$(patsubst %.c,$$(DIR_$(1))/obj/%.o,$$(wildcard tests/relay/relay_*.c))

$$(DIR_$(1))/tools/upstream: $$(patsubst %.c,$$(DIR_$(1))/obj/%.o,$$(wildcard tests/mock/*.c)) $$(DIR_$(1))/lib.a
$$(DIR_$(1))/tools/load: $$(patsubst %.c,$$(DIR_$(1))/obj/%.o,$$(wildcard tests/bench/*.c)) $$(DIR_$(1))/lib.a
$$(DIR_$(1))/tools/fcgi-client: $$(patsubst %.c,$$(DIR_$(1))/obj/%.o,$$(wildcard tests/relay/*.c)) $$(DIR_$(1))/lib.a
$$(DIR_$(1))/tools/run-cases: $$(patsubst %.c,$$(DIR_$(1))/obj/%.o,$$(wildcard tests/cases/*.c) \
	$$(filter-out tests/relay/fcgi_client.c,$$(wildcard tests/relay/*.c))) $$(DIR_$(1))/lib.a
$$(DIR_$(1))/tools/ids: $$(DIR_$(1))/obj/tests/tokens/ids.o $$(DIR_$(1))/lib.a
$$(TOOLS:%=$$(DIR_$(1))/tools/%):
	$$(say) LINK $$@
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(LINK_$(1)) -o $$@ $$^ $$(PKG_LIBS)
endef
$(foreach v,release asan tsan cov,$(eval $(call variant,$(v))))
.SECONDARY:

-include $(shell find build -name '*.d' 2>/dev/null)

# --- run, tests, lint, install -----------------------------------------------

.PHONY: run check lint layers headers format-check tidy sizes shell units test tsan \
	cases selftest flip e2e e2e-asan fuzz cov bench storm storm-mutants culprits hold format clean install tools

FUZZ_S ?= 10
PREFIX ?= /usr
DESTDIR ?=

tools: $(TOOLS:%=build/tools/%)

run: all ranks-if-npm
	@exec sh nginx-conf/start.sh

# A step that fails does not keep the others from being seen.
check:
	@exec tests/check.sh ranks lint test cases tsan selftest e2e fuzz

# What gcc knows and clang 14 does not.
CLANG_FLAGS := $(filter-out -Werror -ftrivial-auto-var-init=zero \
	-Wno-format-truncation,$(BASE_FLAGS))

# C that is ours; what make generates is not.
C_DIRS := lib fcgi admin-cgi cli tests/unit tests/mock tests/bench tests/relay tests/cases tests/selftest \
	tests/fuzz tests/storm tests/tokens
C_ALL := $(sort $(wildcard $(C_DIRS:%=%/*.[ch]) lib/*/*.[ch]))
C_TIDY := $(filter %.c,$(C_ALL))

lint: layers headers format-check sizes shell units tidy

units: build/pontage
	@tests/units.sh

layers:
	@tests/layers.sh

headers: $(GEN)
	@tests/headers.sh $(CC) $(BASE_FLAGS) $(PKG_CFLAGS)

# Each version has its own taste.
FORMAT_BY := 14
format-check:
	@case "$$(clang-format --version)" in \
	*'version $(FORMAT_BY).'*) clang-format --dry-run -Werror $(C_ALL) && \
		echo 'format: $(words $(C_ALL)) files' ;; \
	*) echo 'format: not looked at, clang-format $(FORMAT_BY) decides' ;; \
	esac

format:
	clang-format -i $(C_ALL)

sizes:
	@tests/sizes.sh

SHELL_FILES := run .ci/run $(sort $(wildcard nginx-conf/*.sh apache-conf/*.sh \
	apache-conf/shared-hosting/*cgi tests/*.sh \
	tests/*/*.sh lib/gen/*.sh))
shell:
	@shellcheck $(SHELL_FILES) && echo 'shell: $(words $(SHELL_FILES)) files'

# One stamp a file, so that only what has changed is read again: a file's own
# text and that of the headers it used when it was compiled last.
TIDY := $(C_TIDY:%.c=build/tidy/%.ok)
tidy:
	@$(MAKE) --no-print-directory -j2 tidy-files
	@echo 'tidy: $(words $(C_TIDY)) files'
.PHONY: tidy-files
tidy-files: $(TIDY)

build/tidy/%.ok: %.c .clang-tidy | $(GEN)
	$(say) TIDY $<
	@mkdir -p $(@D)
	@$(CLANG) $(CLANG_FLAGS) $(PKG_CFLAGS) -MM -MP -MT $@ -MF $(@:.ok=.d) $<
	$(Q)clang-tidy --quiet $< -- $(CLANG_FLAGS) $(PKG_CFLAGS) 2>$(@:.ok=.log) || \
		{ grep -v 'warnings\? \(generated\|treated\)' $(@:.ok=.log); exit 1; }
	@touch $@

# Unit tests stop at the first program that fails.
UNIT := $(UNIT_SRC:tests/unit/%.c=%)
test: $(UNIT:%=build/asan/unit/%)
	@exec tests/unit.sh $^

# What has threads: the writer and its neighbours, and the loop with all of
# them as a program.
TSAN_WORDS := writer base_log shared
RACES_S ?= 8
# ThreadSanitizer of older compilers cannot live with much address randomness.
CALM := $(shell setarch -R true 2>/dev/null && echo setarch -R)
TSAN := $(filter $(foreach w,$(TSAN_WORDS),test_$(w) test_$(w)%),$(UNIT))
tsan: $(TSAN:%=build/tsan/unit/%) $(addprefix build/tsan/,relay.fcgi admin.fcgi pontage) \
	build/tools/run-cases build/tsan/tools/upstream build/tsan/tools/load
	@tests/unit.sh $(filter build/tsan/unit/%,$^)
	@tests/cases.sh build/tsan $(CASES)
	@BUILD=$(CURDIR)/build/tsan TSAN_OPTIONS=halt_on_error=1:exitcode=66 $(CALM) \
		tests/e2e/run.sh --only ../storm/races.mjs $(RACES_S)

# CASES= names a file or two.
cases: build/asan/relay.fcgi build/asan/pontage build/tools/run-cases
	@exec tests/cases.sh build/asan $(CASES)

selftest: all
	@exec build/pontage selftest

# The programs under test are the released ones; E2E= names a file or two.
e2e: all ranks build/tools/upstream build/tools/load build/tools/ids \
		$(MUTANTS:%=build/mutants/%)
	@exec tests/e2e/run.sh $(E2E)

# The same files with programs that watch themselves.  Leaks are for make test
# and make cases to find: a worker's sandbox lets nobody trace it.
e2e-asan: ranks $(PROGRAMS:%=build/asan/%) $(TOOLS:%=build/asan/tools/%)
	@BUILD=$(CURDIR)/build/asan ASAN_OPTIONS=detect_leaks=0 \
		exec tests/e2e/run.sh $(E2E)

# Fuzzers are one program each, built by clang of the library's own sources.
FUZZ := $(FUZZ_SRC:tests/fuzz/%.c=%)
FUZZ_FLAGS := -O1 -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=all -fno-omit-frame-pointer
OBJ_FUZZ := $(LIB_SRC:%.c=build/fuzz/obj/%.o) build/fuzz/obj/gen/sql.o

build/fuzz/obj/gen/%.o: build/gen/%.c | $(GEN)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(CLANG_FLAGS) $(FUZZ_FLAGS) -MMD -MP -c -o $@ $<

build/fuzz/obj/%.o: %.c | $(GEN)
	$(say) CLANG $<
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(CLANG_FLAGS) $(PKG_CFLAGS) $(FUZZ_FLAGS) -MMD -MP -c -o $@ $<

build/fuzz/lib.a: $(OBJ_FUZZ)
	$(Q)rm -f $@ && ar rcs $@ $^

build/fuzz/fuzz_%: build/fuzz/obj/tests/fuzz/fuzz_%.o build/fuzz/lib.a
	$(say) LINK $@
	$(Q)$(CLANG) -fsanitize=fuzzer,address,undefined -o $@ $^ $(PKG_LIBS)

fuzz: $(FUZZ:%=build/fuzz/%)
	@exec tests/fuzz.sh $(FUZZ_S) $^

# Line coverage of the library by the unit tests, with a floor.
COV_FLOOR ?= 90
cov: $(UNIT:%=build/cov/unit/%)
	@exec tests/cov.sh $(COV_FLOOR) $^

bench: all ranks-if-npm build/tools/upstream build/tools/load build/tools/ids
	@exec tests/bench/bench.sh

# The long forms of what e2e does in seconds; docs/proofs.md has what they said.
STORM_N ?= 100000
STREAMS ?= 10000
storm: all build/tools/upstream
	@exec tests/e2e/run.sh --only ../storm/storm.mjs $(STORM_N)

# Programs with one line changed, for the storm to find: FILE.NAME.sed is for
# lib/store/FILE.c, whose object goes before the one in the library.
MUTANTS := $(patsubst tests/storm/mutants/%.sed,%,$(sort $(wildcard tests/storm/mutants/*.sed)))
define mutant
build/mutants/$(1)/wrong.o: lib/store/$$(firstword $$(subst ., ,$(1))).c \
		tests/storm/mutants/$(1).sed build/lib.a
	$$(say) MUTATE $(1)
	@mkdir -p $$(@D)
	$$(Q)sed -f tests/storm/mutants/$(1).sed $$< >$$(@:.o=.c)
	@! cmp -s $$< $$(@:.o=.c) || { echo '$(1).sed changes nothing'; exit 1; }
	$$(Q)$$(CC) $$(BASE_FLAGS) $$(PKG_CFLAGS) $$(FLAGS_release) -c -o $$@ $$(@:.o=.c)

build/mutants/$(1)/relay.fcgi: build/mutants/$(1)/wrong.o $$(RELAY_SRC:%.c=build/obj/%.o)
build/mutants/$(1)/pontage: build/mutants/$(1)/wrong.o $$(CLI_SRC:%.c=build/obj/%.o)
build/mutants/$(1)/relay.fcgi build/mutants/$(1)/pontage: build/lib.a
	$$(Q)$$(CC) $$(LINK_release) -o $$@ $$(filter %.o,$$^) build/lib.a $$(PKG_LIBS)

.PHONY: build/mutants/$(1)
build/mutants/$(1): build/mutants/$(1)/relay.fcgi build/mutants/$(1)/pontage build/admin.fcgi build/tools/upstream
	@ln -sfn ../../admin.fcgi $$@/admin.fcgi
	@ln -sfn ../../tools $$@/tools
endef
$(foreach m,$(MUTANTS),$(eval $(call mutant,$(m))))

storm-mutants: all $(MUTANTS:%=build/mutants/%)
	@exec tests/e2e/run.sh --only ../storm/mutants.mjs

FLIP_S ?= 60
flip: all build/tools/upstream
	@exec tests/e2e/run.sh --only ../storm/flip.mjs $(FLIP_S)

culprits: all $(TOOLS:%=build/tools/%)
	@exec tests/e2e/run.sh --only ../storm/culprits.mjs

hold: all $(TOOLS:%=build/tools/%)
	@exec tests/e2e/run.sh --only ../storm/hold.mjs $(STREAMS)

clean:
	rm -rf build

# Programs that people do not call go to lib/pontage; the web server's part is
# documentation and static files.  An existing configuration is left alone.
LIBDIR := $(DESTDIR)$(PREFIX)/lib/pontage
SHAREDIR := $(DESTDIR)$(PREFIX)/share/pontage
DOCDIR := $(DESTDIR)$(PREFIX)/share/doc/pontage
SYSTEMD := $(DESTDIR)$(PREFIX)/lib
CONFDIR := $(DESTDIR)/etc/pontage
install: all
	install -d $(LIBDIR) $(DESTDIR)$(PREFIX)/bin $(SHAREDIR) $(CONFDIR) \
		$(SYSTEMD)/systemd/system $(SYSTEMD)/sysusers.d $(SYSTEMD)/tmpfiles.d
	install -m 755 $(PROGRAMS:%=build/%) $(LIBDIR)
	ln -sf ../lib/pontage/pontage $(DESTDIR)$(PREFIX)/bin/pontage
	for f in $(wildcard $(RANKS)); do \
		install -d $(LIBDIR)/ranks && install -m 644 $$f $(LIBDIR)/ranks; done
	cp -R --no-preserve=ownership htdocs $(SHAREDIR)
	for server in $(wildcard nginx-conf apache-conf); do \
		mkdir -p $(DOCDIR)/$$server && \
		cp -R --no-preserve=ownership $$server/. $(DOCDIR)/$$server; done
	install -m 644 README.md CHANGELOG.md SECURITY.md LICENSE docs/*.md $(DOCDIR)
	install -m 644 systemd/*.socket $(SYSTEMD)/systemd/system
	sed 's,/usr/bin/pontage,$(PREFIX)/bin/pontage,; s,/usr/share/doc,$(PREFIX)/share/doc,' \
		systemd/pontage.service >$(SYSTEMD)/systemd/system/pontage.service
	install -m 644 systemd/pontage.sysusers $(SYSTEMD)/sysusers.d/pontage.conf
	install -m 644 systemd/pontage.tmpfiles $(SYSTEMD)/tmpfiles.d/pontage.conf
	[ -e $(CONFDIR)/pontage.conf ] || \
		install -m 644 systemd/pontage.conf $(CONFDIR)/pontage.conf
