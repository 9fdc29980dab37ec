-- What schema 2 added: the plan, and how a device served its own client.
INSERT INTO plans (survey, round, time, plan) VALUES (1, 1, '2026-03-02T06:00:00.000000000Z', '{"scope": ["10.0.0.0/24"]}');
INSERT INTO rhythms (survey, place, body) VALUES (1, 0, '{"server": "10.0.0.1", "client": "10.0.0.2", "transport": "tcp", "port": 502, "protocol": "modbus"}');
