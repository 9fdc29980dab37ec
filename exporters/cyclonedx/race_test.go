//go:build race

package cyclonedx_test

const raceEnabled = true
