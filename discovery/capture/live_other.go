//go:build !linux && !windows && !darwin

package capture

import (
	"context"
	"fmt"
)

// OpenLive says that live capture is missing on this system and what works instead.
func OpenLive(_ context.Context, ifname string, _ LiveOptions) (Source, error) {
	return nil, fmt.Errorf("listen on %s: %w: capture with 'tcpdump -w plant.pcap', then 'walkdown read' the file", ifname, ErrUnsupported)
}
