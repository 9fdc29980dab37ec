//go:build !linux

package capture

// GatewayMAC is empty: the system's tables are read on Linux only.
func GatewayMAC(string) string { return "" }
