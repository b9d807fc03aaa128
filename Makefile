# The commands of this project; "make help" lists them. The work is in lab/ and test/.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

# Without npx: one process less between a Ctrl-C and the program that handles it.
LAB := node --import tsx lab/cli.ts

# The stack to create: dev, or another one that has a Pulumi.<name>.yaml.
ifdef STACK
export COREKUBE_STACK := $(STACK)
endif

.PHONY: help ready up release down clean status env ssh check cis test soak test-ha test-interrupt lint bench bench-preview bench-up

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/; s/\$$\$$/$$/' | expand -t 24
	@echo
	@echo '  STACK=ha selects another stack (make up STACK=ha): 3 etcd members, 3 controllers, 2 workers, 1 public worker.'
	@echo '  STACK=addons creates a cluster with all add-ons that the lab can build (make up STACK=addons).'
	@echo '  STACK=lab-aws creates a cluster in a region of AWS instead of DigitalOcean (make up STACK=lab-aws).'
	@echo '  COREKUBE_LAB=test selects the second region (make up COREKUBE_LAB=test), COREKUBE_CACHE and COREKUBE_LAB_DIR move the folders.'
	@echo '  COREKUBE_LAB_PROXY=1 runs a proxy in the region, =only makes it the only route to the mirror, =0 removes it (make up COREKUBE_LAB_PROXY=1).'

ready:
	@lab/bootstrap.sh

up: ready ## create a region and a cluster on this machine, or resume an earlier run
	@$(LAB) up

release: ready ## add a release of Kubernetes to a region, for an upgrade in it: make release VERSION=1.36.1
	@$(LAB) release $(VERSION)

down: ready ## destroy the cluster and the region; keeps the cache
	@$(LAB) down

clean: ready ## as down, and remove the cache (tools, mirror, machine base)
	@$(LAB) down --cache

status: ready ## show region, cluster and what is wrong with them
	@$(LAB) status

env: ready ## print settings for a shell: eval "$$(make -s env)"
	@$(LAB) env

ssh: ready ## a shell in a machine: make ssh MACHINE=kubernetes-worker-0 [CMD='uptime']
	@$(LAB) ssh '$(MACHINE)' $(if $(CMD),-- '$(subst ','\'',$(CMD))')

check: ready ## run every check on the cluster
	@$(LAB) check

cis: ready ## check the CIS Kubernetes Benchmark on the cluster: every control, pass or the reason
	@$(LAB) cis

test: ready ## all tests, with clusters of their own (25 minutes), or some: make test SUITES="provider lab"
	@node --import tsx test/run.ts $(SUITES)

soak: ready ## what takes hours: all previews, faults, renewals, replacements, interrupts, mutation tests
	@node --import tsx test/run.ts soak

test-ha: ready ## break a highly available cluster, and roll its machines, under a client that writes and reads (about 40 minutes)
	@node --import tsx test/run.ts ha

test-interrupt: ready ## interrupt make up at several moments and run it again (about 10 minutes)
	@node --import tsx test/run.ts interrupt

lint: ready ## types, lint, layout, imports, unused code
	@npm run --silent lint

bench: ready ## measure, and write docs/benchmarks.md
	@node --import tsx bench/run.ts

bench-preview: ready ## measure previews of 10, 100 and 1,000 workers, and write docs/benchmarks.md
	@node --import tsx bench/preview.ts

bench-up: ready ## measure pulumi up without a change for 100 and 1,000 workers, and write docs/benchmarks.md
	@node --import tsx bench/up.ts
