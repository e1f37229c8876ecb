# vebridge: the commands that people and machines use. `make help` lists them.

SWIFT  ?= swift
PREFIX ?= /usr/local
# The ports of `make run`, for example PORTS='/dev/ttyUSB*'. Without them it runs the demo.
PORTS  ?=
BROKER ?=
# More options for the program, for example ARGS='--dry-run'.
ARGS   ?=

SWIFT_SOURCES = Package.swift Sources Tests Fuzz/Package.swift Fuzz/Sources Benchmarks/Package.swift \
    Benchmarks/Benchmarks Benchmarks/Sources

.DEFAULT_GOAL := help
.PHONY: help run build release test history-proof trust-test offline-test mdns-test page-test wakeups throughput update-proof lint \
    format bench fuzz soak proxy docs deb install uninstall clean setup setup-test setup-deb \
    package-test machine-test setup-machine

help: ## This list.
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; do \
	    printf '  make %-12s %s\n' "$$name" "$$text"; done

setup:
	@packaging/setup.sh build

setup-test:
	@packaging/setup.sh test

setup-deb:
	@packaging/setup.sh deb

setup-machine:
	@packaging/setup.sh machine

build: setup ## The program, for debugging, as .build/debug/vebridge.
	$(SWIFT) build --product vebridge

release: setup ## The program, optimised, as .build/release/vebridge.
	$(SWIFT) build -c release --product vebridge

run: setup-test ## The demo, which needs no hardware; with PORTS='/dev/ttyUSB*' the real thing.
	$(SWIFT) build --product vebridge
ifeq ($(strip $(PORTS)),)
	@echo
	@echo "The demo: simulated chargers, a broker of their own, and the bridge. Ctrl-C ends it."
	@echo "With real cables:   make run PORTS='/dev/ttyUSB*'                      prints the topics"
	@echo "and with a broker:  make run PORTS='/dev/ttyUSB*' BROKER=mqtt://localhost"
	@echo
	@.build/debug/vebridge demo $(ARGS)
else
	@.build/debug/vebridge --ports '$(PORTS)' $(if $(BROKER),--broker '$(BROKER)',--dry-run) $(ARGS)
endif

# Tests that are bound to times run apart from those that keep the processor busy, and not all of them at once: load would
# skew what they measure. A compiler that cannot limit how many run at once starts them all.
test: PORT_TESTS = ^BridgeTests\.(Port|DeviceDaemon|HouseMonitorDaemon)
test: AT_A_TIME = $(shell $(SWIFT) test --help-hidden | grep -q maximum-parallelization-width \
	&& echo --parallel --experimental-maximum-parallelization-width 12)
test: setup-test ## Every test; a broker and pseudo-terminals included.
	$(SWIFT) build --build-tests
	$(SWIFT) test --skip-build --skip SystemTests --skip WebTests --skip UpdateTests --skip '^BridgeTests'
	$(SWIFT) test --skip-build --filter '$(PORT_TESTS)'
	$(SWIFT) test --skip-build --filter '^BridgeTests\.BrokerLink'
	$(SWIFT) test --skip-build --filter '^BridgeTests' --skip '$(PORT_TESTS)' --skip BrokerLinkTests $(AT_A_TIME)
	$(SWIFT) test --skip-build --filter UpdateTests
	$(SWIFT) test --skip-build --filter WebTests
	$(SWIFT) test --skip-build --filter PageSystemTests
	$(SWIFT) test --skip-build --filter SystemTests --skip PageSystemTests $(AT_A_TIME)

# The history under the knife: the running daemon killed (KILLS=200, half an hour), a year against its truth, a big year.
KILLS ?= 200
history-proof: setup-test ## The daemon killed 200 times, a year of statistics against the truth (half an hour each).
	$(SWIFT) build -c release --product vebridge
	$(SWIFT) build -c release --product HistoryProof
	@rm -rf build/history-proof && mkdir -p build/history-proof/kill build/history-proof/store \
	    build/history-proof/year build/history-proof/size
	.build/release/HistoryProof daemon $(CURDIR)/.build/release/vebridge build/history-proof/kill $(KILLS)
	.build/release/HistoryProof kill build/history-proof/store $(KILLS)
	.build/release/HistoryProof size build/history-proof/size
	.build/release/HistoryProof year build/history-proof/year

trust-test: build ## Whom it trusts by TLS, on brokers set up with openssl.
	Tests/Brokers/trust.py --program .build/debug/vebridge

INSTANTS ?= 100
update-proof: release ## Updates: good, damaged, old, never well, and the power cut at 100 instants (INSTANTS=100 SEED=1).
	Tests/Updates/proof.py --program .build/release/vebridge --instants $(INSTANTS) --seed $(SEED)

AWAY ?= 300
offline-test: release ## A broker that is away for five minutes (AWAY=300): what comes late, what is lost.
	Tests/Offline/offline.py --program .build/release/vebridge --away $(AWAY)

mdns-test: build ## A broker found by avahi-daemon, moved and withdrawn, in network namespaces (needs root).
	Tests/SystemTests/mdns-test.sh .build/debug/vebridge

page-test: build ## The page in a real Chromium, at three widths (PICTURES=folder keeps pictures of it).
	Tests/Page/page_test.py --program .build/debug/vebridge $(if $(PICTURES),--pictures '$(PICTURES)')

# PACKAGE=FILE takes a package that is built already; ARGS='--suite trixie' takes another Debian than this machine's.
PACKAGE ?=
package-test: setup-machine ## The package on a fresh Debian: installed, used, upgraded, purged (five minutes).
	$(if $(PACKAGE),,SWIFT="$(SWIFT)" packaging/deb.sh)
	Tests/Package/package_test.py $(if $(PACKAGE),--package '$(PACKAGE)') $(ARGS)

# ARGS=--verbose shows the guest's console.
machine-test: setup-machine ## The package on a real kernel with real drivers, in a virtual machine (a quarter of an hour).
	$(if $(PACKAGE),,SWIFT="$(SWIFT)" packaging/deb.sh)
	Tests/Machine/image.sh build/machine
	Tests/Machine/machine_test.py --image build/machine $(if $(PACKAGE),--package '$(PACKAGE)') $(ARGS)

wakeups: release ## How often it wakes the processor by day and by night, with four chargers.
	Tests/Wakeups/wakeups.py --program .build/release/vebridge --night-limit 10

throughput: setup-test ## How long a reading takes to a subscriber, 10,000 a minute.
	VEBRIDGE_BENCH=1 $(SWIFT) test --filter ThroughputTests

lint: ## The layout of the code, and that the scripts are sound.
	$(SWIFT) format lint --strict --recursive $(SWIFT_SOURCES)
	@for script in packaging/setup.sh packaging/deb.sh packaging/debian/vebridge.postinst \
	    packaging/debian/vebridge.postrm Tests/Machine/image.sh Tests/Machine/guest/init \
	    Tests/Machine/guest/agent Fuzz/run.sh .ci/run; do sh -n "$$script" || exit 1; done
	@for script in Tests/Machine/*.py Tests/Package/*.py; do ! command -v python3 >/dev/null || \
	    python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])' "$$script" || exit 1; done
	@if udevadm verify --help >/dev/null 2>&1; then udevadm verify --no-summary udev/*.rules; fi

format: ## Lays the code out as lint wants it.
	$(SWIFT) format --in-place --recursive $(SWIFT_SOURCES)

fuzz: setup ## A minute of fuzzing of each decoder, the page and MQTT; then bytes, packets and damaged files.
	Fuzz/run.sh $(ARGS)

# The sanitizers see more in a build of their own. SANITIZER=address is the other one; MINUTES=2 is a short look.
SANITIZER ?= thread
MINUTES   ?= 30
SEED      ?= 1
soak: setup-test ## Half an hour of random faults under a sanitizer (SANITIZER=thread|address MINUTES=30 SEED=1).
	$(SWIFT) build -c release --product vebridge
	$(SWIFT) build --product vebridge --sanitize=$(SANITIZER) --scratch-path .build-$(SANITIZER) \
	    $(if $(filter thread,$(SANITIZER)),-Xswiftc -DTHREAD_SANITIZER)
	Tests/Soak/soak.py --program .build-$(SANITIZER)/debug/vebridge --simulator .build/release/vebridge \
	    --minutes $(MINUTES) --seed $(SEED)

# Chargers, cables and judge share no code with the program. BER=1e-3, MINUTES=10 unless said otherwise.
BER ?= 1e-3
proxy: MINUTES = 10
proxy: build ## Independent chargers behind bad cables: is every payload what they held? (MINUTES=10 BER=1e-3 SEED=1)
	Tests/IndependentCharger/proof.py --program .build/debug/vebridge --minutes $(MINUTES) --ber $(BER) --seed $(SEED)

docs: setup ## Writes anew the pages and the example file that are made from the code.
	VEBRIDGE_UPDATE_DOCS=1 $(SWIFT) test --filter 'registersPage|topicsPage'
	VEBRIDGE_WRITE_EXAMPLE=1 $(SWIFT) test --filter ExampleFile
	$(SWIFT) package generate-manual --configuration debug --authors "The vebridge authors"
	sed -e 's/^[[:space:]]*$$/.Pp/' -e "s/^'/\\\\\&'/" .build/plugins/GenerateManual/outputs/vebridge/vebridge.1 >packaging/vebridge.1

# ARGS='decoding daemon' runs some sections, ARGS='--compare Benchmarks/results/FILE.json' gives the ratio to that run.
bench: setup-test ## What it costs and how fast it is, beside limits and requirements (a quarter of an hour).
	$(SWIFT) build -c release --product vebridge
	$(SWIFT) build -c release --product HistoryProof
	$(SWIFT) build -c release --package-path Benchmarks
	Benchmarks/bench.py $(ARGS)

deb: setup-deb ## The Debian package of this machine's architecture, into build/.
	SWIFT="$(SWIFT)" packaging/deb.sh

install: release ## The program, its example file and the udev rules, under PREFIX (and DESTDIR).
	install -D -m 755 .build/release/vebridge $(DESTDIR)$(PREFIX)/bin/vebridge
	install -D -m 644 packaging/vebridge.toml.example $(DESTDIR)$(PREFIX)/share/doc/vebridge/vebridge.toml.example
	install -D -m 644 udev/60-vebridge.rules $(DESTDIR)/etc/udev/rules.d/60-vebridge.rules
	install -D -m 644 udev/86-vebridge-brltty.rules $(DESTDIR)/etc/udev/rules.d/86-vebridge-brltty.rules

uninstall: ## Takes away what install put there; configuration stays.
	rm -f $(DESTDIR)$(PREFIX)/bin/vebridge $(DESTDIR)/etc/udev/rules.d/60-vebridge.rules \
	    $(DESTDIR)/etc/udev/rules.d/86-vebridge-brltty.rules
	rm -rf $(DESTDIR)$(PREFIX)/share/doc/vebridge

clean: ## Takes away what was built.
	rm -rf .build .build-thread .build-address .build-deb build Fuzz/.build Benchmarks/.build
