package snmp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gosnmp/gosnmp"

	"github.com/walkdown-ot/walkdown/discovery"
)

// The kinds of a discovery.Credential.
const (
	KindCommunity   = "community"    // of SNMPv2c
	KindCommunityV1 = "community-v1" // of SNMPv1
	KindUser        = "user"         // of SNMPv3, user-based security model
)

// credential is one of those that are tried, in the library's words.
type credential struct {
	discovery.Credential
	auth gosnmp.SnmpV3AuthProtocol
	priv gosnmp.SnmpV3PrivProtocol
}

// engine is what a first SNMPv3 exchange told of the agent, so that further users need not ask again.
type engine struct {
	id          string
	boots, time uint32
}

// credentials are those to try, in order: at most maxCommunities and maxUsers. Old agents speak SNMPv1 alone, so the first community
// is tried again in that version, last of all, where it does not stand there in that version and there is room for one more.
func credentials(list []discovery.Credential) []credential {
	var out []credential
	communities, users := 0, 0
	for _, c := range list {
		if c.Protocol != "snmp" || CheckCredential(c) != nil {
			continue
		}
		n, most := &communities, maxCommunities
		if c.Kind == KindUser {
			n, most = &users, maxUsers
		}
		if *n < most {
			*n++
			auth, _ := authProtocol(c.Auth)
			priv, _ := privProtocol(c.Privacy)
			out = append(out, credential{Credential: c, auth: auth, priv: priv})
		}
	}
	first := slices.IndexFunc(out, func(c credential) bool { return c.Kind == KindCommunity })
	isFirst := func(c credential) bool { return c.Kind == KindCommunityV1 && c.Secret == out[first].Secret }
	if first >= 0 && communities < maxCommunities && !slices.ContainsFunc(out, isFirst) {
		old := out[first]
		old.Kind = KindCommunityV1
		out = append(out, old)
	}
	return out
}

// CheckCredential says what is wrong with a credential for SNMP, without its secrets.
func CheckCredential(c discovery.Credential) error {
	switch c.Kind {
	case KindCommunity, KindCommunityV1:
		if c.Secret == "" || len(c.Secret) > maxCommunity {
			return fmt.Errorf("a community string has 1 to %d bytes, not %d", maxCommunity, len(c.Secret))
		}
		return nil
	case KindUser:
	default:
		return fmt.Errorf("there is no credential of kind %q", c.Kind)
	}
	auth, err := authProtocol(c.Auth)
	if err != nil {
		return err
	}
	priv, err := privProtocol(c.Privacy)
	// RFC 3414 section 11.2: passwords have at least 8 characters.
	const shortest = 8
	switch {
	case err != nil:
		return err
	case c.User == "" || len(c.User) > maxName:
		return fmt.Errorf("the name of a user has 1 to %d bytes, not %d", maxName, len(c.User))
	case len(c.Context) > maxName:
		return fmt.Errorf("the name of a context has at most %d bytes, not %d", maxName, len(c.Context))
	case auth == gosnmp.NoAuth && priv != gosnmp.NoPriv:
		return fmt.Errorf("user %q: privacy needs authentication", c.User)
	case auth == gosnmp.NoAuth && c.AuthPassword != "":
		return fmt.Errorf("user %q: a password for authentication, but no algorithm", c.User)
	case priv == gosnmp.NoPriv && c.PrivacyPassword != "":
		return fmt.Errorf("user %q: a password for privacy, but no algorithm", c.User)
	case auth != gosnmp.NoAuth && len(c.AuthPassword) < shortest:
		return fmt.Errorf("user %q: the password for authentication has less than %d characters", c.User, shortest)
	case priv != gosnmp.NoPriv && len(c.PrivacyPassword) < shortest:
		return fmt.Errorf("user %q: the password for privacy has less than %d characters", c.User, shortest)
	}
	return nil
}

// plain is an algorithm's name in one spelling: "SHA-256" is "SHA256".
func plain(name string) string {
	return strings.ToUpper(strings.NewReplacer("-", "", "_", "", " ", "").Replace(name))
}

func authProtocol(name string) (gosnmp.SnmpV3AuthProtocol, error) {
	switch plain(name) {
	case "", "NONE":
		return gosnmp.NoAuth, nil
	case "MD5":
		return gosnmp.MD5, nil
	case "SHA", "SHA1":
		return gosnmp.SHA, nil
	case "SHA224":
		return gosnmp.SHA224, nil
	case "SHA256":
		return gosnmp.SHA256, nil
	case "SHA384":
		return gosnmp.SHA384, nil
	case "SHA512":
		return gosnmp.SHA512, nil
	}
	return gosnmp.NoAuth, fmt.Errorf("unknown authentication %q: MD5, SHA, SHA224, SHA256, SHA384 or SHA512", name)
}

// privProtocol reads the name of a cipher. Those with a C lengthen keys as Cisco does
// (draft-reeder-snmpv3-usm-3desede), the others as draft-blumenthal-aes-usm-04 says.
func privProtocol(name string) (gosnmp.SnmpV3PrivProtocol, error) {
	switch plain(name) {
	case "", "NONE":
		return gosnmp.NoPriv, nil
	case "DES":
		return gosnmp.DES, nil
	case "AES", "AES128":
		return gosnmp.AES, nil
	case "AES192":
		return gosnmp.AES192, nil
	case "AES256":
		return gosnmp.AES256, nil
	case "AES192C":
		return gosnmp.AES192C, nil
	case "AES256C":
		return gosnmp.AES256C, nil
	}
	return gosnmp.NoPriv, fmt.Errorf("unknown privacy %q: DES, AES, AES192, AES256, AES192C or AES256C", name)
}

// apply sets the library up for the credential.
func (c credential) apply(lib *gosnmp.GoSNMP, known *engine) {
	switch c.Kind {
	case KindCommunity:
		lib.Version, lib.Community = gosnmp.Version2c, c.Secret
		return
	case KindCommunityV1:
		lib.Version, lib.Community = gosnmp.Version1, c.Secret
		return
	}
	lib.Version, lib.SecurityModel, lib.ContextName = gosnmp.Version3, gosnmp.UserSecurityModel, c.Context
	lib.MsgFlags = gosnmp.NoAuthNoPriv
	if c.auth != gosnmp.NoAuth {
		lib.MsgFlags = gosnmp.AuthNoPriv
	}
	if c.priv != gosnmp.NoPriv {
		lib.MsgFlags = gosnmp.AuthPriv
	}
	security := &gosnmp.UsmSecurityParameters{
		UserName: c.User, AuthenticationProtocol: c.auth, AuthenticationPassphrase: c.AuthPassword,
		PrivacyProtocol: c.priv, PrivacyPassphrase: c.PrivacyPassword,
	}
	if known.id != "" {
		security.AuthoritativeEngineID, security.AuthoritativeEngineBoots, security.AuthoritativeEngineTime = known.id, known.boots, known.time
		lib.ContextEngineID = known.id
	}
	lib.SecurityParameters = security
}

// inVLAN is the credential that shows the forwarding table of one VLAN of a Cisco switch.
func (c credential) inVLAN(vlan string) credential {
	if c.Kind == KindUser {
		c.Context = "vlan-" + vlan
	} else {
		c.Secret += "@" + vlan
	}
	return c
}
