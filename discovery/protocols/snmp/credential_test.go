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
