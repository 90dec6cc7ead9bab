# Two commands do everything: `make demo DIR=~/Pictures` and `make test`.

# The folder to archive.
DIR ?=
# Where the demo keeps its archive and configuration.
DEMO ?= $(HOME)/mama-demo

folder = $(patsubst ~%,$(HOME)%,$(DIR))
mama = MAMA_CONFIG="$(DEMO)/mama.toml" cargo run --quiet --release -p mama-cli --

# The benchmark: how large (`full`, or a share of that), and further flags such as --only 1,4 or --keep DIR.
SCALE ?= 0.02
BENCH ?=

.PHONY: demo test torture torture-sabotage torture-disks torture-blocks check bench

demo:
	@test -n "$(DIR)" || { echo 'say which folder: make demo DIR=~/Pictures' >&2; exit 2; }
	tools/install-packages build run
	cargo build --release -p mama-cli
	mkdir -p "$(DEMO)"
	$(mama) init "$(DEMO)/archive"
	$(mama) scan "$(folder)" || test $$? = 4
	$(mama) apply || test $$? = 4
	$(mama) stats
	@echo
	@echo "Look at the views:  $(DEMO)/archive/views"
	@echo "Ask the catalog:    sqlite3 -readonly $(DEMO)/archive/.mama/catalog.sqlite3 'SELECT filename, status, meta FROM observations LIMIT 3'"
	@echo "Go on with:         export MAMA_CONFIG=$(DEMO)/mama.toml"

test:
	tools/install-packages build run test
	cargo test --workspace

torture:
	tools/install-packages build run test
	MAMA_TORTURE=full cargo test --release -p mama-cli --test torture -- --nocapture --test-threads 1

# The torture tests on programs that leave out a step, which they must notice; see docs/testing.md.
torture-sabotage:
	tools/install-packages build run test
	tests/torture-sabotage/run

check:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- --deny warnings

# Disks that come and go, on real file systems; a minute or two, as root.
torture-disks:
	tools/install-packages build run torture-disks
	cargo build --release -p mama-cli
	tests/torture-disks/run

# Power cuts on real file systems, 2 to 3 hours; needs zfs-vm, see docs/testing.md. EXTENT=quick: half an hour.
EXTENT ?= full
torture-blocks:
	tools/install-packages build run torture-blocks
	tests/torture-blocks/run $(EXTENT)

bench:
	tools/install-packages build run
	cargo build --release -p mama-cli -p mama-bench
	cargo run --quiet --release -p mama-bench -- --scale "$(SCALE)" $(BENCH)
