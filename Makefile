# The command surface. Every target says what it does in "make help"; the work is in lab/ and test/.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

# Without npx: one process less between a Ctrl-C and the program that handles it.
LAB := node --import tsx lab/cli.ts

# The stack to make: dev, or another one that has a Pulumi.<name>.yaml.
ifdef STACK
export COREKUBE_STACK := $(STACK)
endif

.PHONY: help ready up down clean status env ssh check cis test test-ha test-interrupt lint bench bench-preview

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/; s/\$$\$$/$$/' | expand -t 24
	@echo
	@echo '  STACK=ha selects another stack (make up STACK=ha): 3 etcd members, 3 controllers, 2 workers, 1 public worker.'
	@echo '  STACK=lab-aws makes a cluster in a region of AWS instead of one of DigitalOcean (make up STACK=lab-aws).'
	@echo '  COREKUBE_LAB=test selects the second region (make up COREKUBE_LAB=test), COREKUBE_CACHE and COREKUBE_LAB_DIR move the folders.'
	@echo '  COREKUBE_LAB_PROXY=1 runs a proxy in the region, =only makes it the machines way out, =0 ends it (make up COREKUBE_LAB_PROXY=1).'

ready:
	@lab/bootstrap.sh

up: ready ## make a region and a cluster on this machine; again: go on, or change nothing
	@$(LAB) up

down: ready ## destroy the cluster and the region; keeps the cache
	@$(LAB) down

clean: ready ## as down, and remove the cache (tools, mirror, machine base)
	@$(LAB) down --cache

status: ready ## what there is, and what is wrong
	@$(LAB) status

env: ready ## print settings for a shell: eval "$$(make -s env)"
	@$(LAB) env

ssh: ready ## a shell in a machine: make ssh MACHINE=kubernetes-worker-0 [CMD='uptime']
	@$(LAB) ssh '$(MACHINE)' $(if $(CMD),-- '$(subst ','\'',$(CMD))')

check: ready ## run every check on the cluster
	@$(LAB) check

cis: ready ## walk the CIS Kubernetes Benchmark on the cluster: every control, pass or the reason
	@$(LAB) cis

test: ready ## all tests: types, lint, units, components, lab, and a cluster that is booted and checked
	@node --import tsx test/run.ts

test-ha: ready ## break a highly available cluster, and roll its machines, under a client that writes and reads (about 40 minutes)
	@node --import tsx test/run.ts ha

test-interrupt: ready ## interrupt make up at several moments and run it again (about 10 minutes)
	@node --import tsx test/cluster/interrupt.ts

lint: ready ## types and lint
	@npx tsc -p . && npx eslint .

bench: ready ## measure, and write docs/benchmarks.md
	@node --import tsx bench/run.ts

bench-preview: ready ## measure previews of 10, 100 and 1,000 workers, and write docs/benchmarks.md
	@node --import tsx bench/preview.ts
