// An OPC UA server with a BuildInfo, on node-opcua: opcua.cjs ADDRESS PORT FOLDER
const { OPCUAServer } = require("node-opcua-server");
const { MessageSecurityMode, SecurityPolicy } = require("node-opcua-secure-channel");
const { OPCUACertificateManager } = require("node-opcua-certificate-manager");

const [address, port, folder] = process.argv.slice(2);

async function main() {
  const certificates = new OPCUACertificateManager({
    rootFolder: `${folder}/pki`,
    automaticallyAcceptUnknownCertificate: true,
  });
  await certificates.initialize();
  const server = new OPCUAServer({
    host: address,
    hostname: address,
    port: Number(port),
    allowAnonymous: true,
    serverCertificateManager: certificates,
    securityPolicies: [SecurityPolicy.None, SecurityPolicy.Basic256Sha256],
    securityModes: [MessageSecurityMode.None, MessageSecurityMode.SignAndEncrypt],
    serverInfo: {
      applicationUri: "urn:lab:press-3",
      productUri: "urn:beckhoff.com:TF6100",
      applicationName: { text: "press-3" },
    },
    buildInfo: {
      productUri: "urn:beckhoff.com:TF6100",
      manufacturerName: "Beckhoff Automation",
      productName: "TwinCAT OPC UA Server",
      softwareVersion: "4.3.28",
      buildNumber: "1028",
      buildDate: new Date("2025-02-03T00:00:00Z"),
    },
  });
  await server.start();
  console.log("listening");
  process.on("SIGTERM", () => server.shutdown().then(() => process.exit(0)));
}

main().catch((err) => {
  console.error(err);
  process.exit(1);
});
