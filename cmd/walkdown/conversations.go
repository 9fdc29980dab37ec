package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/walkdown-ot/walkdown/inventory"
)

type conversationsCmd struct{}

// Run prints who talks to whom.
func (conversationsCmd) Run(a *app) error {
	store, err := a.openToRead()
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // it was only read
	return list(a, store.Conversations(a.ctx), conversationColumns(), "no conversation has been heard yet")
}

func conversationColumns() []column[inventory.Conversation] {
	return []column[inventory.Conversation]{
		{"Client", func(v inventory.Conversation) string { return v.ClientAddress() }, 0},
		{"Server", func(v inventory.Conversation) string { return v.ServerAddress() }, 0},
		{"Port", func(v inventory.Conversation) string { return v.Where() }, 0},
		{"Protocol", func(v inventory.Conversation) string { return v.Protocol }, 0},
		{"Does", func(v inventory.Conversation) string { return strings.Join(v.Operations, " ") }, 0},
		{"Frequency", frequency, 0},
		{"Packets", func(v inventory.Conversation) string { return strconv.FormatUint(v.Packets, 10) }, 3},
		{"Bytes", func(v inventory.Conversation) string { return strconv.FormatUint(v.Bytes, 10) }, 4},
		{"VLAN", func(v inventory.Conversation) string { return count(int(v.VLAN)) }, 2},
		{"Last seen", func(v inventory.Conversation) string { return local(v.LastSeen) }, 5},
		{"External", func(v inventory.Conversation) string { return yes(v.External) }, 1},
	}
}

func frequency(v inventory.Conversation) string {
	if v.MedianIntervalMS == 0 {
		return v.Frequency
	}
	return v.Frequency + " " + (time.Duration(v.MedianIntervalMS) * time.Millisecond).String()
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}
