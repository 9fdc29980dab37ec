"""A Modbus TCP server with a device identity, on pymodbus: modbus.py ADDRESS PORT [UNIT]

With a UNIT it answers for that one alone and is silent for every other.
"""

import asyncio
import sys

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.device import ModbusDeviceIdentification
from pymodbus.server.async_io import StartAsyncTcpServer

PLC = {
    "VendorName": "Phoenix Contact",
    "ProductCode": "2700974",
    "MajorMinorRevision": "V4.42",
    "VendorUrl": "https://www.phoenixcontact.com",
    "ProductName": "ILC 151 ETH",
    "ModelName": "ILC 151 ETH",
    "UserApplicationName": "conveyor 4",
}
MACHINE = {
    "VendorName": "Schneider Electric",
    "ProductCode": "TM251MESE",
    "MajorMinorRevision": "V4.0.6.41",
    "ProductName": "Modicon M251",
    "ModelName": "TM251MESE",
}

address, port, *unit = sys.argv[1:]
block = ModbusSlaveContext(hr=ModbusSequentialDataBlock(0, [17] * 100))
context = ModbusServerContext(slaves={int(unit[0]): block} if unit else block, single=not unit)
identity = ModbusDeviceIdentification(info_name=MACHINE if unit else PLC)
asyncio.run(StartAsyncTcpServer(context=context, identity=identity, address=(address, int(port))))
