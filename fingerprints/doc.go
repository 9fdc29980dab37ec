// Package fingerprints turns facts into identity: vendor, family, model, order number, firmware, hardware revision, serial,
// type, operating system, CPE and name, each with its confidence and the facts it rests on. It is pure: facts in, more facts out.
//
// What it knows is data, not code: rules (rules/*.yaml, format in rules/README.md), the words it may use (vocabulary/), and
// registries (tables/: IEEE prefixes, IANA enterprise numbers). All are embedded and read by [Default].
//
// Confidence is the chance that a value is right. From 0.9 up a value may be acted on; at 0.5 and below it is a hint, and a
// device that no rule knows gets nothing but hints beyond what a registry says of it.
package fingerprints
