# A thin front over the CMake presets (CMakePresets.json); `make <Tab>` shows the targets.
#   make demo      build, then let the bundled model tell a tale
#   make test      build and run every test but the slow ones
#   make lint format asan tsan fuzz bench package deps clean
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 180
SPATE = build/release/bin/spate

.PHONY: all demo test lint format asan tsan fuzz bench package deps clean

all: deps
	@cmake --preset release
	@cmake --build --preset release --parallel $(JOBS) --target spate

demo: all
	@$(SPATE) run -p "Once upon a time" -n 200

test: deps
	@cmake --preset release
	@cmake --build --preset release --parallel $(JOBS)
	@ctest --preset release --parallel $(JOBS)

asan tsan: deps
	@cmake --preset $@
	@cmake --build --preset $@ --parallel $(JOBS)
	@ctest --preset $@ --parallel $(JOBS)

bench: deps
	@tools/install_deps.sh --bench
	@cmake --preset bench
	@cmake --build --preset bench --parallel $(JOBS)
	@for program in $$(find build/bench -name '*_bench' -type f -perm -u+x | sort); do $$program || exit 1; done

fuzz:
	@tools/run_fuzz.sh $(FUZZ_SECONDS)

lint:
	@tools/lint.sh

format:
	@tools/install_deps.sh --lint
	@git ls-files -co --exclude-standard '*.h' '*.cc' '*.cu' '*.cuh' | xargs clang-format-16 -i

package: deps
	@tools/install_deps.sh --package
	@cmake --preset release
	@cmake --build --preset release --parallel $(JOBS) --target package

deps:
	@tools/install_deps.sh

clean:
	@rm -rf build
