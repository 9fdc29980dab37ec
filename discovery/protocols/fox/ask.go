package fox

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/dialogue"
)

// greeting is the question. It says no more of us than it must.
const greeting = "fox a 1 -1 fox hello\n{\nfox.version=s:1.0\nid=i:1\nhostName=s:" + ourselves + "\napp.name=s:" + ourselves + "\napp.version=s:1.0\nlang=s:en\n};;\n"

// asker says hello once, over one connection, and reads the hello of the station. Nobody logs in.
func asker() *discovery.Asker {
	return &discovery.Asker{
		Transport: discovery.TCP,
		Port:      Port,
		Requests: []discovery.Request{{
			Name: "hello", Safety: discovery.SafetyB, Max: 1, Yields: keys(),
			Template: discovery.MustTemplate(hex.EncodeToString([]byte(greeting))), Effect: "takes one connection for a second",
		}},
		Message: length,
		Ask:     ask,
	}
}

func ask(ctx context.Context, s discovery.Session, t discovery.Target) error {
	_, version := s.Known(KeyAppVersion)
	if _, host := s.Known(KeyHostID); version && host {
		return nil
	}
	conn, err := s.Dial(ctx)
	if err != nil {
		return fmt.Errorf("ask %s by fox: %w", t.Subject, err)
	}
	d := dialogue.New(ctx, conn, length)
	defer d.Close()
	b, err := d.Ask([]byte(greeting))
	if err == nil && hello(b) == nil {
		err = fmt.Errorf("%w: no hello in %d bytes", discovery.ErrNotUnderstood, len(b))
	}
	if err != nil {
		return fmt.Errorf("ask %s by fox: %w", t.Subject, err)
	}
	return nil
}
