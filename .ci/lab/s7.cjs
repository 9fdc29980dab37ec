// A SIMATIC CPU, as the server of snap7 plays it: s7.cjs ADDRESS PORT
const snap7 = require("node-snap7");

const localPort = 1; // the number of a parameter of snap7
const [address, port] = process.argv.slice(2);
const server = new snap7.S7Server();
server.SetParam(localPort, Number(port));
if (!server.StartTo(address)) {
  console.error("the server does not start");
  process.exit(1);
}
setInterval(() => {}, 1000);
