package capture

import (
	"bufio"
	"fmt"
	"io"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Writer writes frames of one interface as pcapng.
type Writer struct {
	out    *bufio.Writer
	blocks *pcapgo.NgWriter
}

// NewWriter begins a capture of Ethernet frames. What wrote it, of which interface and why stands in its header.
func NewWriter(to io.Writer, program, ifi, comment string) (*Writer, error) {
	out := bufio.NewWriter(to)
	blocks, err := pcapgo.NewNgWriterInterface(out, pcapgo.NgInterface{
		Name: ifi, LinkType: layers.LinkTypeEthernet, SnapLength: MaxFrame, TimestampResolution: 9,
	}, pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{Application: program, Comment: comment}})
	if err != nil {
		return nil, fmt.Errorf("begin a capture: %w", err)
	}
	return &Writer{out, blocks}, nil
}

// Write writes one Ethernet frame.
func (w *Writer) Write(f *discovery.Frame) error {
	info := gopacket.CaptureInfo{Timestamp: f.Time, CaptureLength: len(f.Data), Length: max(f.Length, len(f.Data))}
	if err := w.blocks.WritePacket(info, f.Data); err != nil {
		return fmt.Errorf("write a capture: %w", err)
	}
	return nil
}

// Flush hands all that was written on.
func (w *Writer) Flush() error {
	if err := w.blocks.Flush(); err != nil {
		return fmt.Errorf("write a capture: %w", err)
	}
	return w.out.Flush()
}
