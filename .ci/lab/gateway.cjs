// A Modbus gateway with two meters behind it, on modbus-serial: gateway.cjs ADDRESS PORT
const ModbusRTU = require("modbus-serial");

const [address, port] = process.argv.slice(2);
const identities = {
  1: { 0: "Schneider Electric", 1: "METSEPM5560", 2: "V01.04.02", 5: "PM5560" },
  2: { 0: "Schneider Electric", 1: "A9MEM3155", 2: "V02.10", 5: "iEM3155" },
  255: { 0: "Schneider Electric", 1: "EGX150", 2: "V05.01.00", 5: "Link150" },
};
const vector = {
  getHoldingRegister: () => 7,
  readDeviceIdentification: (unit) => {
    if (!identities[unit]) throw { modbusErrorCode: 0x0b };
    return identities[unit];
  },
};
const server = new ModbusRTU.ServerTCP(vector, { host: address, port: Number(port), unitID: 0 });
server.on("socketError", (error) => console.error(error));
