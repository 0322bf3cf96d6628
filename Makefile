# Thin on purpose: each target is a script in ci/ that can be run by hand.

PREFIX ?= /usr/local
DESTDIR ?=

.PHONY: demo test bench install uninstall check-hw lint fuzz soak conformance

demo: ; @ci/demo
test: ; @ci/test
lint: ; @ci/lint
bench: ; @ci/bench
install: ; @PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" ci/install
uninstall: ; @PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" ci/install --remove
check-hw: ; @ci/check-hw
fuzz: ; @ci/fuzz
soak: ; @ci/soak
conformance: ; @ci/conformance-wasm && ci/conformance-js
