module pawk8s.dev/selftest/proxy

go 1.24.4
