// Package discovery is the ground floor of walkdown: the types that every other room speaks in. It holds no socket, file,
// clock, goroutine or global state, and imports only the standard library.
//
// Data falls one way. Frames and answers become an [Observation] (facts about a [Subject], said by a teller), observations
// become identities in package fingerprints, identities become assets in package inventory, and assets leave through the
// exporters. A [Protocol] is a plain struct with two faces: how it is heard (its [Decoder]) and how it is asked (its [Asker]).
// What was asked is fed through the same decoder as what was overheard, so one parser gives the same facts for both.
package discovery
