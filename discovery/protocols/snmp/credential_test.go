package snmp

import (
	"strings"
	"testing"

	"github.com/walkdown-ot/walkdown/discovery"
)

func TestCheckCredential(t *testing.T) {
	user := func(change func(*discovery.Credential)) discovery.Credential {
		c := discovery.Credential{
			Protocol: "snmp", Kind: KindUser, User: "survey", Auth: "sha-256", AuthPassword: "hidden-words", Privacy: "aes128", PrivacyPassword: "hidden-words",
		}
		change(&c)
		return c
	}
	for name, c := range map[string]struct {
		credential discovery.Credential
		want       string // in the error; "" = none
	}{
		"community":        {discovery.Credential{Kind: KindCommunity, Secret: "public"}, ""},
		"community_v1":     {discovery.Credential{Kind: KindCommunityV1, Secret: "public"}, ""},
		"no_community":     {discovery.Credential{Kind: KindCommunity}, "1 to 64 bytes"},
		"long_community":   {discovery.Credential{Kind: KindCommunity, Secret: strings.Repeat("x", 65)}, "1 to 64 bytes"},
		"other_kind":       {discovery.Credential{Kind: "password", Secret: "x"}, "no credential of kind"},
		"user":             {user(func(*discovery.Credential) {}), ""},
		"signed_only":      {user(func(c *discovery.Credential) { c.Privacy, c.PrivacyPassword = "", "" }), ""},
		"name_only":        {discovery.Credential{Kind: KindUser, User: "survey"}, ""},
		"no_name":          {user(func(c *discovery.Credential) { c.User = "" }), "name of a user"},
		"unknown_auth":     {user(func(c *discovery.Credential) { c.Auth = "SHA3" }), "unknown authentication"},
		"unknown_privacy":  {user(func(c *discovery.Credential) { c.Privacy = "RC4" }), "unknown privacy"},
		"short_password":   {user(func(c *discovery.Credential) { c.AuthPassword = "hidden" }), "less than 8"},
		"short_privacy":    {user(func(c *discovery.Credential) { c.PrivacyPassword = "hidden" }), "less than 8"},
		"privacy_unsigned": {user(func(c *discovery.Credential) { c.Auth = "" }), "needs authentication"},
		"password_alone":   {user(func(c *discovery.Credential) { c.Privacy = "none" }), "no algorithm"},
		"long_context":     {user(func(c *discovery.Credential) { c.Context = strings.Repeat("x", 33) }), "context"},
	} {
		err := CheckCredential(c.credential)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: the error shows a secret: %v", name, err)
		}
	}
}

func TestCredentialsAreFew(t *testing.T) {
	var list []discovery.Credential
	for range 5 {
		list = append(
			list, discovery.Credential{Protocol: "snmp", Kind: KindCommunity, Secret: "x"}, discovery.Credential{Protocol: "snmp", Kind: KindUser, User: "x"},
			discovery.Credential{Protocol: "ssh", Kind: KindUser, User: "x"}, discovery.Credential{Protocol: "snmp", Kind: KindCommunity},
		)
	}
	if got := credentials(list); len(got) != maxCommunities+maxUsers {
		t.Errorf("%d credentials are tried", len(got))
	}
}

func TestNameplates(t *testing.T) {
	for id, want := range map[string]string{
		"1.3.6.1.4.1.4329.6.1.2.1.2": "1.3.6.1.4.1.4329.6.3.2.1.1.2.0", "1.3.6.1.4.1.248.11.2.1.39": "1.3.6.1.4.1.248.11.10.1.1.2.0",
		"1.3.6.1.4.1.248.14.10.10": "1.3.6.1.4.1.248.14.1.1.2.0", "1.3.6.1.4.1.8691.7.71": "1.3.6.1.4.1.8691.7.71.1.2.0",
		"1.3.6.1.4.1.8691.7.16500": entPhysical + "10.1", "1.3.6.1.4.1.8691.2.7": entPhysical + "10.1", "1.3.6.1.4.1.318.1.3.2": "1.3.6.1.2.1.33.1.1.1.0",
		"1.3.6.1.2.1.33.1": "1.3.6.1.2.1.33.1.1.1.0", "1.3.6.1.4.1.11.2.3.9.1": "1.3.6.1.2.1.43.5.1.1.16.1", "1.3.6.1.4.1.8072.3.2.10": entPhysical + "10.1",
	} {
		got := nameplateOf(id, discovery.ClassUnknown)
		if len(got) == 0 || len(got) > 3 || got[0] != want {
			t.Errorf("%s: %v, want %s first", id, got, want)
		}
	}
	for _, n := range nameplates() {
		for _, o := range n.objects {
			if _, _, ok := lookUp(strings.Replace(o, moxaModel, "71", 1)); !ok {
				t.Errorf("%s is asked for, and never becomes a fact", o)
			}
		}
	}
	if got := nameplateOf("1.3.6.1.4.1.9.1.1", discovery.ClassInfrastructure); len(got) != 0 {
		t.Errorf("Cisco's parts are read anyway, but %v is asked", got)
	}
}
