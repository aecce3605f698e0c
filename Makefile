# Thin on purpose: meson and ninja build, tools/ does the work. `make help` lists the targets.

FOLDER ?= drive
LISTEN ?= 127.0.0.1:8080
PREFIX ?= /usr/local
BUILD  ?= build

.PHONY: help run build test soak bench check install clean

help:
	@echo "make run      serve FOLDER (default: ./drive, made with samples) at LISTEN (default: 127.0.0.1:8080)"
	@echo "make build    compile into $(BUILD)/"
	@echo "make test     every test but the long ones, also under ASan and UBSan"
	@echo "make soak     the long fault, fuzz and sanitizer runs"
	@echo "make bench    us and the real peers in one run, as ratios"
	@echo "make check    formatting, layers, clang-tidy, man pages"
	@echo "make install  into DESTDIR and PREFIX (default: /usr/local)"
	@echo "make clean    remove what was built"

run: build
	@exec tools/run "$(BUILD)" "$(FOLDER)" "$(LISTEN)"

build:
	@tools/deps build
	@tools/build "$(BUILD)" "$(PREFIX)"

test:
	@tools/deps test
	@tools/test

soak:
	@tools/deps test
	@tools/soak

bench:
	@tools/deps bench
	@bench/run
	@bench/scripts

check:
	@tools/deps test
	@tools/check

install: build
	@DESTDIR="$(DESTDIR)" meson install -C "$(BUILD)" --no-rebuild

clean:
	rm -rf build build-*
