package capture

import (
	"context"
	"fmt"
)

// OpenLive says that live capture is missing on Windows and what works instead.
func OpenLive(_ context.Context, ifname string, _ LiveOptions) (Source, error) {
	return nil, fmt.Errorf("listen on %s: %w: Npcap's driver is not driven yet; capture with Wireshark or with 'pktmon start --capture' and 'pktmon etl2pcap', then 'walkdown read' the file", ifname, ErrUnsupported)
}
