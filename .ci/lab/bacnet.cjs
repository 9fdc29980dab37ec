// A BACnet controller, on the codec of @bacnet-js/client: bacnet.cjs ADDRESS PORT [no-multiple]
const { default: Client } = require("@bacnet-js/client");

const [address, port, mode] = process.argv.slice(2);
const device = { type: 8, instance: 4711 };
const text = (value) => [{ type: 7, value, encoding: 0 }];
const number = (value) => [{ type: 2, value }];
const properties = {
  12: text("V2.1.7"), 28: text("air handling unit, roof"), 44: text("3.40.571848"), 58: text("roof"), 70: text("DSC-1280E"),
  77: text("AHU-1"), 120: number(8), 121: text("Delta Controls"), 139: number(14), 372: text("E2204711"),
};

const client = new Client({ interface: address, port: Number(port) });
const addressed = (id) => id.type === 8 && (id.instance === device.instance || id.instance === 4194303);

client.on("readProperty", ({ header, payload, invokeId }) => {
  const to = header.sender;
  if (!addressed(payload.objectId)) return client.errorResponse(to, 12, invokeId, 1, 31);
  const value = properties[payload.property.id];
  if (!value) return client.errorResponse(to, 12, invokeId, 2, 32);
  client.readPropertyResponse(to, invokeId, device, payload.property, value);
});
client.on("readPropertyMultiple", ({ header, payload, invokeId }) => {
  const to = header.sender;
  if (mode === "no-multiple") return client.errorResponse(to, 14, invokeId, 5, 9);
  if (!addressed(payload.properties[0].objectId)) return client.errorResponse(to, 14, invokeId, 1, 31);
  const values = payload.properties[0].properties.map((property) => ({
    property,
    value: properties[property.id] || [{ type: 105, value: { errorClass: 2, errorCode: 32 } }],
  }));
  client.readPropertyMultipleResponse(to, invokeId, [{ objectId: device, values }]);
});
client.on("error", (error) => console.error(error));
client.on("listening", () => console.log("ready"));
