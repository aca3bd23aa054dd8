# make demo   the whole system with simulated phones, on http://localhost:8080
# make test   sets up what the tests need, then runs all of them
# make soak   kills nodes, PostgreSQL and Redis for DURATION (30m) under load, then one node
# make eval   measures the understanding and writes docs/understanding.md
# make bench  measures everything that docs/performance.md reports, for half an hour
# make lint   gofmt, go vet, staticcheck

.PHONY: demo soak test eval bench lint build

build:
	go build -o bin/tabe ./cmd/tabe

demo:
	go run ./cmd/tabe demo

test:
	.ci/setup
	go test -timeout 30m ./...
	go test ./cmd/tabe -run TestRow1 -emergency.kill=60s

DURATION ?= 30m

soak:
	go test ./cmd/tabe -run 'TestSoak|TestRow1' -v -timeout 2h -soak=$(DURATION) -emergency.kill=$(DURATION)

eval:
	go run ./bot/understand/eval bot/understand/corpus/blind/id_blind.tsv bot/understand/corpus/blind/bug_blind.tsv

bench:
	go test -run '^$$' -bench . -benchmem -timeout 2h ./bot/... ./adapters/... ./cmd/...

lint:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	go vet ./...
	go tool staticcheck ./...
