-- An inventory as walkdown of schema 1 left it: a PLC and a panel that polls it, a question, a change, an annotation.
INSERT INTO sites (id, name) VALUES (1, 'works');
INSERT INTO segments (id, site, name) VALUES (1, 1, 'cell-1');
INSERT INTO surveys (id, kind, segment, operator, permission, sensor, scope, own, started, ended, outcome, reasons, counts, version) VALUES
	(1, 'survey', 1, 'meier', 'WO-4711', 'eth0', '["10.0.0.0/24"]', '["02:00:00:00:00:01"]', '2026-03-02T06:00:00.000000000Z', '2026-03-02T06:20:00.000000000Z', 'done', '[]', '{"frames": 100}', 'v0.1.0');
INSERT INTO plug_in_points (survey, switch, switch_name, port, gateway_mac, address) VALUES (1, '00:80:63:00:00:01', 'cell-1-switch', '1/4', '', '10.0.0.0/24');
INSERT INTO troubles (survey, protocol, reason, count, example) VALUES (1, 'modbus', 'cut short', 3, '00 01');
INSERT INTO subjects (id, segment, mac, ip, vlan, path, place, bound) VALUES
	(1, 1, '28:63:36:00:00:01', '10.0.0.1', 0, '', x'040a000001', 1),
	(2, 1, '28:63:36:00:00:02', '10.0.0.2', 0, '', x'040a000002', 1);
INSERT INTO facts (id, subject, teller, protocol, mode, key, value, raw, confidence, rule, made_from, digest, first, last, count, survey, sensor) VALUES
	(1, 1, 1, 'arp', 'heard', 'address.binding', 'arp', x'', 1, '', '[]', x'01', '2026-03-02T06:00:01.000000000Z', '2026-03-02T06:10:00.000000000Z', 7, 1, 'eth0'),
	(2, 1, 1, 'dev', 'asked', 'dev.vendor', 'Siemens', x'', 1, '', '[]', x'02', '2026-03-02T06:00:02.000000000Z', '2026-03-02T06:00:02.000000000Z', 1, 1, 'eth0'),
	(3, 2, 2, 'arp', 'heard', 'address.binding', 'arp', x'', 1, '', '[]', x'03', '2026-03-02T06:00:03.000000000Z', '2026-03-02T06:10:00.000000000Z', 4, 1, 'eth0');
INSERT INTO conversations (id, survey, client, server, transport, port, protocol, mode, packets, bytes, operations, answered, frequency, median_ns, first, last) VALUES
	(1, 1, 2, 1, 'tcp', 502, 'modbus', 'heard', 240, 20000, 1, 1, 'cyclic', 500000000, '2026-03-02T06:00:04.000000000Z', '2026-03-02T06:10:00.000000000Z');
INSERT INTO ledger (id, survey, time, segment, mac, ip, path, port, protocol, request, setup, bytes, outcome, rtt_ns, note) VALUES
	(1, 1, '2026-03-02T06:00:02.000000000Z', 1, '28:63:36:00:00:01', '10.0.0.1', '', 502, 'modbus', 'read-device-identification-basic', 0, x'0001', 'answered', 2000000, '');
INSERT INTO assets (age, id, site, segment, place, name, serial, body, first_seen, last_seen) VALUES
	(1, 'a-0000000000000001', 'works', 'cell-1', x'040a000001', '', '', '{"id":"","site":"works","segment":"cell-1","vendor":"Siemens","addresses":[{"mac":"28:63:36:00:00:01","ip":"10.0.0.1"}],"protocols":["modbus"],"first_seen":"0001-01-01T00:00:00Z","last_seen":"0001-01-01T00:00:00Z","seen":"both"}', '2026-03-02T06:00:01.000000000Z', '2026-03-02T06:10:00.000000000Z'),
	(2, 'a-0000000000000002', 'works', 'cell-1', x'040a000002', '', '', '{"id":"","site":"works","segment":"cell-1","addresses":[{"mac":"28:63:36:00:00:02","ip":"10.0.0.2"}],"protocols":["modbus"],"first_seen":"0001-01-01T00:00:00Z","last_seen":"0001-01-01T00:00:00Z","seen":"passive"}', '2026-03-02T06:00:03.000000000Z', '2026-03-02T06:10:00.000000000Z');
INSERT INTO asset_subjects (subject, asset, since, until) VALUES (1, 'a-0000000000000001', '', '~'), (2, 'a-0000000000000002', '', '~');
INSERT INTO asset_marks (asset, place, kind, site, segment, value) VALUES
	('a-0000000000000001', 0, 'mac', 'works', '', '28:63:36:00:00:01'), ('a-0000000000000001', 1, 'ip', 'works', 'cell-1', '10.0.0.1'),
	('a-0000000000000002', 0, 'mac', 'works', '', '28:63:36:00:00:02'), ('a-0000000000000002', 1, 'ip', 'works', 'cell-1', '10.0.0.2');
INSERT INTO addresses (asset, site, segment, mac, ip, vlan) VALUES
	('a-0000000000000001', 'works', 'cell-1', '28:63:36:00:00:01', '10.0.0.1', 0), ('a-0000000000000002', 'works', 'cell-1', '28:63:36:00:00:02', '10.0.0.2', 0);
INSERT INTO deductions (asset, place, subject, key, value, confidence, rule, made_from, first, last, survey) VALUES
	('a-0000000000000001', 0, 1, 'id.vendor', 'Siemens', 0.9, 'test/vendor', '["dev.vendor"]', '2026-03-02T06:00:01.000000000Z', '2026-03-02T06:10:00.000000000Z', 1);
INSERT INTO changes (id, survey, time, asset, kind, attribute, old, new, via) VALUES
	(1, 1, '2026-03-02T06:20:00.000000000Z', 'a-0000000000000001', 'appeared', '', '', '28:63:36:00:00:01 10.0.0.1', ''),
	(2, 1, '2026-03-02T06:20:00.000000000Z', 'a-0000000000000002', 'appeared', '', '', '28:63:36:00:00:02 10.0.0.2', '');
INSERT INTO annotations (asset, attribute, value, author, time) VALUES ('a-0000000000000001', 'owner', 'maintenance', 'meier', '2026-03-02T07:00:00.000000000Z');
