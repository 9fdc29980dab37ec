package fox

import (
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/discoverytest"
	"github.com/walkdown-ot/walkdown/discovery/wire/dialogue"
)

// There is no station, simulator or capture to be had: the fields are those that public scan reports show.

const server1 = discoverytest.ServerIP

func flow() discovery.Flow { return discoverytest.Between(discovery.TCP, Port) }

const station = "fox a 0 -1 fox hello\n{\nfox.version=s:1.0.1\nid=i:12\nhostName=s:ahu-3\nhostAddress=s:192.0.2.1\napp.name=s:Station\napp.version=s:3.8.111\n" +
	"vm.name=s:Java HotSpot(TM) Client VM\nvm.version=s:1.5.0_34-b28\nos.name=s:QNX\nos.version=s:6.4.1\nstation.name=s:hall_4\nlang=s:en\n" +
	"timeZone=s:Europe/Berlin;3600000;3600000;02:00:00.000,wall\nhostId=s:Qnx-NPM6E-0000-15C5-9121\nvmUuid=s:11e98b97-b656-1ab2-0000-0000000040ad\nbrandId=s:vykon\n" +
	"sysInfo=o:bog 61[<bog version=\"1.0\"></bog>]\n};;\n"

func told() []string {
	var out []string
	for _, fact := range []string{
		"version = 1.0.1", "host-name = ahu-3", "host-address = 192.0.2.1", "app-name = Station", "app-version = 3.8.111",
		"vm-name = Java HotSpot(TM) Client VM", "vm-version = 1.5.0_34-b28", "os-name = QNX", "os-version = 6.4.1", "station-name = hall_4",
		"time-zone = Europe/Berlin", "host-id = Qnx-NPM6E-0000-15C5-9121", "brand-id = vykon",
	} {
		out = append(out, server1+": fox."+fact)
	}
	return out
}

func TestProtocol(t *testing.T) {
	sample := func(name string, problems int, want []string, messages ...discoverytest.Message) discoverytest.Sample {
		return discoverytest.Sample{Name: name, Flow: flow(), Want: want, Problems: problems, Messages: messages}
	}
	discoverytest.Run(
		t, Protocol(),
		sample(
			"session", 0, append([]string{"192.0.2.9: fox.version = 1.0", "192.0.2.9: fox.app-name = Workbench"}, told()...),
			discoverytest.Says(discovery.Client, "fox a 1 -1 fox hello\n{\nfox.version=s:1.0\nid=i:1\napp.name=s:Workbench\n};;\n"), discoverytest.Says(discovery.Server, station),
			discoverytest.Says(discovery.Client, "fox a 2 0 fox challenge\n{\n};;\n"), discoverytest.Says(discovery.Server, "fox a 1 2 fox rejected\n{\n};;\n"),
		),
		sample("asked_by_us", 0, told(), discoverytest.Says(discovery.Client, greeting), discoverytest.Says(discovery.Server, station)),
		sample("other_message_first", 0, told(), discoverytest.Says(discovery.Server, "fox a 1 2 fox challenge\n{\nx=s:y\n};;\n"), discoverytest.Says(discovery.Server, station)),
		sample("no_fields", 0, nil, discoverytest.Says(discovery.Server, "fox a 0 -1 fox hello\n{\nfox.version\n=s:\nid=1\n};;\n")),
		sample("not_fox", 1, nil, discoverytest.Says(discovery.Server, "HTTP/1.1 400 Bad Request\r\n\r\n")),
		sample("endless", 1, nil, discoverytest.Says(discovery.Server, "fox a 0 -1 fox hello\n{\n"+strings.Repeat("a=s:b\n", 4000))),
	)
}

func TestAsk(t *testing.T) {
	asked := []string{"hello"}
	reply := func(text string) [][]byte { return [][]byte{[]byte(text)} }
	discoverytest.RunAsking(t, Protocol(), map[string]discoverytest.Asking{
		"hello":   {Answers: reply(station), Want: asked, Told: told()},
		"refuses": {Answers: reply("fox a 1 1 fox rejected\n{\n};;\n"), Want: asked, Err: discovery.ErrNotUnderstood},
		"http":    {Answers: reply("HTTP/1.1 400 Bad Request\r\n\r\n"), Want: asked, Err: discovery.ErrNotUnderstood},
		"ends":    {Ends: true, Want: asked, Err: dialogue.ErrEnded},
		"silent":  {Want: asked, Err: discovery.ErrSilent},
		"known":   {Known: map[discovery.Key]string{KeyAppVersion: "3", KeyHostID: "x"}},
	})
}

func FuzzConversation(engine *testing.F) {
	f := discoverytest.NewFuzz(engine)
	f.Add(station)
	f.Add(greeting + "\r\n fox a")
	protocol := Protocol()
	f.Fuzz(func(t *testing.T, text string) {
		claims([]byte(text))
		discoverytest.Check(t, protocol, discoverytest.Sample{Name: "fuzz", Flow: flow(), Messages: []discoverytest.Message{discoverytest.Says(discovery.Server, text)}})
	})
}
