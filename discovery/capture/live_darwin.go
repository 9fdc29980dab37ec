package capture

import (
	"context"
	"fmt"
)

// OpenLive says that live capture is missing on macOS and what works instead.
func OpenLive(_ context.Context, ifname string, _ LiveOptions) (Source, error) {
	return nil, fmt.Errorf("listen on %s: %w: /dev/bpf is not read yet; capture with 'sudo tcpdump -i en0 -w plant.pcap', then 'walkdown read' the file", ifname, ErrUnsupported)
}
