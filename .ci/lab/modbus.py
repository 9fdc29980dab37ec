"""A Modbus TCP server with a device identity, on pymodbus: modbus.py ADDRESS PORT"""

import asyncio
import sys

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.device import ModbusDeviceIdentification
from pymodbus.server.async_io import StartAsyncTcpServer

identity = ModbusDeviceIdentification(
    info_name={
        "VendorName": "Phoenix Contact",
        "ProductCode": "2700974",
        "MajorMinorRevision": "V4.42",
        "VendorUrl": "https://www.phoenixcontact.com",
        "ProductName": "ILC 151 ETH",
        "ModelName": "ILC 151 ETH",
        "UserApplicationName": "conveyor 4",
    }
)
block = ModbusSlaveContext(hr=ModbusSequentialDataBlock(0, [17] * 100))
context = ModbusServerContext(slaves=block, single=True)
asyncio.run(StartAsyncTcpServer(context=context, identity=identity, address=(sys.argv[1], int(sys.argv[2]))))
