// to_char, to_date and to_timestamp: what PostgreSQL 15 gives.
#include "tests/engine/expression/checking.hpp"

#include <catch2/catch.hpp>

using namespace sluice::expression;
using namespace sluice::expression::testing;

namespace {

std::string refusal(const std::string& function, const std::string& argument, const std::string& format) {
  return faults_of(function + "(" + argument + ", '" + format + "')");
}

}  // namespace

// clang-format off
TEST_CASE("to_char writes PostgreSQL's patterns") {
  const in_zone zone("Asia/Kolkata");
  check_all({
{R"(to_char(timestamp '2024-05-01 13:05:09.123456', 'YYYY-MM-DD HH24:MI:SS.US'))", R"(2024-05-01 13:05:09.123456)"},
{R"(to_char(timestamp '2024-05-01 13:05:09.123456', 'Y,YYY YYY YY Y'))", R"(2,024 024 24 4)"},
{R"(to_char(timestamp '2024-05-01 13:05:09.123456', 'IYYY IYY IY I'))", R"(2024 024 24 4)"},
{R"(to_char(timestamp '2024-05-01 13:05:09.123456', 'CC Q MM WW W IW J'))", R"(21 2 05 18 1 18 2460432)"},
{R"(to_char(timestamp '2024-05-01 13:05:09.123456', 'DDD IDDD DD D ID'))", R"(122 122 01 4 3)"},
{R"(to_char(timestamp '2024-05-01 13:05:09.123456', 'HH12 HH HH24 MI SS SSSS SSSSS'))", R"(01 01 13 05 09 47109 47109)"},
{R"(to_char(timestamp '2024-05-01 13:05:09.123456', 'FF1 FF2 FF3 FF4 FF5 FF6 MS US'))", R"(1 12 123 1234 12345 123456 123 123456)"},
{R"(to_char(timestamp '2024-05-01 13:05:09.123456', 'AM a.m. P.M. pm'))", R"(PM p.m. P.M. pm)"},
{R"(to_char(timestamp '2024-05-01 13:05:09.123456', 'AD bc A.D. b.c.'))", R"(AD ad A.D. a.d.)"},
{R"(to_char(timestamp '2024-05-01 13:05:09.123456', 'MONTH|Month|month|MON|Mon|mon|RM|rm'))", R"(MAY      |May      |may      |MAY|May|may|V   |v   )"},
{R"(to_char(timestamp '2024-05-01 13:05:09.123456', 'DAY|Day|day|DY|Dy|dy'))", R"(WEDNESDAY|Wednesday|wednesday|WED|Wed|wed)"},
{R"(to_char(timestamp '2024-05-01 13:05:09.123456', 'FMMonth FMDD, FMDDD FMHH24 FMMI FMY FMYY FMRM FMMS'))", R"(May 1, 122 13 5 4 24 V 123)"},
{R"(to_char(timestamp '2024-05-01 13:05:09.123456', 'DDth DDTH MMth HH24th YYYYth DDDTH Qth'))", R"(01st 01ST 05th 13th 2024th 122ND 2nd)"},
{R"(to_char(timestamp '2024-05-01 13:05:09.123456', '"text\"x" YYYY\"'))", R"(text"x 2024")"},
{R"(to_char(timestamp '2024-05-01 13:05:09.123456', 'yyyy-mm-dd hh24:mi:ss'))", R"(2024-05-01 13:05:09)"},
{R"(to_char(timestamp '2024-05-01 13:05:09.123456', 'TZ tz TZH TZM OF'))", R"(  +00 00 +00)"},
{R"(to_char(timestamp '2024-05-01 13:05:09.123456', 'YYYY-MM-DD"T"HH24:MI:SSZ'))", R"(2024-05-01T13:05:09Z)"},
{R"(to_char(timestamp '2024-05-01 13:05:09.123456', 'FXYYYY'))", R"(2024)"},
{R"(to_char(timestamp '2024-05-01 13:05:09.123456', 'Dth DAYth'))", R"(4th WEDNESDAY)"},
{R"(to_char(timestamp '2024-05-01 13:05:09.123456', 'FMDDth'))", R"(1st)"},
{R"(to_char(timestamp '2023-01-01 00:00:00', 'YYYY-MM-DD HH24:MI:SS.US'))", R"(2023-01-01 00:00:00.000000)"},
{R"(to_char(timestamp '2023-01-01 00:00:00', 'Y,YYY YYY YY Y'))", R"(2,023 023 23 3)"},
{R"(to_char(timestamp '2023-01-01 00:00:00', 'IYYY IYY IY I'))", R"(2022 022 22 2)"},
{R"(to_char(timestamp '2023-01-01 00:00:00', 'CC Q MM WW W IW J'))", R"(21 1 01 01 1 52 2459946)"},
{R"(to_char(timestamp '2023-01-01 00:00:00', 'DDD IDDD DD D ID'))", R"(001 364 01 1 7)"},
{R"(to_char(timestamp '2023-01-01 00:00:00', 'HH12 HH HH24 MI SS SSSS SSSSS'))", R"(12 12 00 00 00 0 0)"},
{R"(to_char(timestamp '2023-01-01 00:00:00', 'FF1 FF2 FF3 FF4 FF5 FF6 MS US'))", R"(0 00 000 0000 00000 000000 000 000000)"},
{R"(to_char(timestamp '2023-01-01 00:00:00', 'AM a.m. P.M. pm'))", R"(AM a.m. A.M. am)"},
{R"(to_char(timestamp '2023-01-01 00:00:00', 'AD bc A.D. b.c.'))", R"(AD ad A.D. a.d.)"},
{R"(to_char(timestamp '2023-01-01 00:00:00', 'MONTH|Month|month|MON|Mon|mon|RM|rm'))", R"(JANUARY  |January  |january  |JAN|Jan|jan|I   |i   )"},
{R"(to_char(timestamp '2023-01-01 00:00:00', 'DAY|Day|day|DY|Dy|dy'))", R"(SUNDAY   |Sunday   |sunday   |SUN|Sun|sun)"},
{R"(to_char(timestamp '2023-01-01 00:00:00', 'FMMonth FMDD, FMDDD FMHH24 FMMI FMY FMYY FMRM FMMS'))", R"(January 1, 1 0 0 3 23 I 000)"},
{R"(to_char(timestamp '2023-01-01 00:00:00', 'DDth DDTH MMth HH24th YYYYth DDDTH Qth'))", R"(01st 01ST 01st 00th 2023rd 001ST 1st)"},
{R"(to_char(timestamp '2023-01-01 00:00:00', '"text\"x" YYYY\"'))", R"(text"x 2023")"},
{R"(to_char(timestamp '2023-01-01 00:00:00', 'yyyy-mm-dd hh24:mi:ss'))", R"(2023-01-01 00:00:00)"},
{R"(to_char(timestamp '2023-01-01 00:00:00', 'TZ tz TZH TZM OF'))", R"(  +00 00 +00)"},
{R"(to_char(timestamp '2023-01-01 00:00:00', 'YYYY-MM-DD"T"HH24:MI:SSZ'))", R"(2023-01-01T00:00:00Z)"},
{R"(to_char(timestamp '2023-01-01 00:00:00', 'FXYYYY'))", R"(2023)"},
{R"(to_char(timestamp '2023-01-01 00:00:00', 'Dth DAYth'))", R"(1st SUNDAY   )"},
{R"(to_char(timestamp '2023-01-01 00:00:00', 'FMDDth'))", R"(1st)"},
{R"(to_char(timestamp '1999-12-31 23:59:59.999999', 'YYYY-MM-DD HH24:MI:SS.US'))", R"(1999-12-31 23:59:59.999999)"},
{R"(to_char(timestamp '1999-12-31 23:59:59.999999', 'Y,YYY YYY YY Y'))", R"(1,999 999 99 9)"},
{R"(to_char(timestamp '1999-12-31 23:59:59.999999', 'IYYY IYY IY I'))", R"(1999 999 99 9)"},
{R"(to_char(timestamp '1999-12-31 23:59:59.999999', 'CC Q MM WW W IW J'))", R"(20 4 12 53 5 52 2451544)"},
{R"(to_char(timestamp '1999-12-31 23:59:59.999999', 'DDD IDDD DD D ID'))", R"(365 362 31 6 5)"},
{R"(to_char(timestamp '1999-12-31 23:59:59.999999', 'HH12 HH HH24 MI SS SSSS SSSSS'))", R"(11 11 23 59 59 86399 86399)"},
{R"(to_char(timestamp '1999-12-31 23:59:59.999999', 'FF1 FF2 FF3 FF4 FF5 FF6 MS US'))", R"(9 99 999 9999 99999 999999 999 999999)"},
{R"(to_char(timestamp '1999-12-31 23:59:59.999999', 'AM a.m. P.M. pm'))", R"(PM p.m. P.M. pm)"},
{R"(to_char(timestamp '1999-12-31 23:59:59.999999', 'AD bc A.D. b.c.'))", R"(AD ad A.D. a.d.)"},
{R"(to_char(timestamp '1999-12-31 23:59:59.999999', 'MONTH|Month|month|MON|Mon|mon|RM|rm'))", R"(DECEMBER |December |december |DEC|Dec|dec|XII |xii )"},
{R"(to_char(timestamp '1999-12-31 23:59:59.999999', 'DAY|Day|day|DY|Dy|dy'))", R"(FRIDAY   |Friday   |friday   |FRI|Fri|fri)"},
{R"(to_char(timestamp '1999-12-31 23:59:59.999999', 'FMMonth FMDD, FMDDD FMHH24 FMMI FMY FMYY FMRM FMMS'))", R"(December 31, 365 23 59 9 99 XII 999)"},
{R"(to_char(timestamp '1999-12-31 23:59:59.999999', 'DDth DDTH MMth HH24th YYYYth DDDTH Qth'))", R"(31st 31ST 12th 23rd 1999th 365TH 4th)"},
{R"(to_char(timestamp '1999-12-31 23:59:59.999999', '"text\"x" YYYY\"'))", R"(text"x 1999")"},
{R"(to_char(timestamp '1999-12-31 23:59:59.999999', 'yyyy-mm-dd hh24:mi:ss'))", R"(1999-12-31 23:59:59)"},
{R"(to_char(timestamp '1999-12-31 23:59:59.999999', 'TZ tz TZH TZM OF'))", R"(  +00 00 +00)"},
{R"(to_char(timestamp '1999-12-31 23:59:59.999999', 'YYYY-MM-DD"T"HH24:MI:SSZ'))", R"(1999-12-31T23:59:59Z)"},
{R"(to_char(timestamp '1999-12-31 23:59:59.999999', 'FXYYYY'))", R"(1999)"},
{R"(to_char(timestamp '1999-12-31 23:59:59.999999', 'Dth DAYth'))", R"(6th FRIDAY   )"},
{R"(to_char(timestamp '1999-12-31 23:59:59.999999', 'FMDDth'))", R"(31st)"},
{R"(to_char(timestamp '0945-03-22 12:00:00', 'YYYY-MM-DD HH24:MI:SS.US'))", R"(0945-03-22 12:00:00.000000)"},
{R"(to_char(timestamp '0945-03-22 12:00:00', 'Y,YYY YYY YY Y'))", R"(0,945 945 45 5)"},
{R"(to_char(timestamp '0945-03-22 12:00:00', 'IYYY IYY IY I'))", R"(0945 945 45 5)"},
{R"(to_char(timestamp '0945-03-22 12:00:00', 'CC Q MM WW W IW J'))", R"(10 1 03 12 4 12 2066295)"},
{R"(to_char(timestamp '0945-03-22 12:00:00', 'DDD IDDD DD D ID'))", R"(081 078 22 2 1)"},
{R"(to_char(timestamp '0945-03-22 12:00:00', 'HH12 HH HH24 MI SS SSSS SSSSS'))", R"(12 12 12 00 00 43200 43200)"},
{R"(to_char(timestamp '0945-03-22 12:00:00', 'FF1 FF2 FF3 FF4 FF5 FF6 MS US'))", R"(0 00 000 0000 00000 000000 000 000000)"},
{R"(to_char(timestamp '0945-03-22 12:00:00', 'AM a.m. P.M. pm'))", R"(PM p.m. P.M. pm)"},
{R"(to_char(timestamp '0945-03-22 12:00:00', 'AD bc A.D. b.c.'))", R"(AD ad A.D. a.d.)"},
{R"(to_char(timestamp '0945-03-22 12:00:00', 'MONTH|Month|month|MON|Mon|mon|RM|rm'))", R"(MARCH    |March    |march    |MAR|Mar|mar|III |iii )"},
{R"(to_char(timestamp '0945-03-22 12:00:00', 'DAY|Day|day|DY|Dy|dy'))", R"(MONDAY   |Monday   |monday   |MON|Mon|mon)"},
{R"(to_char(timestamp '0945-03-22 12:00:00', 'FMMonth FMDD, FMDDD FMHH24 FMMI FMY FMYY FMRM FMMS'))", R"(March 22, 81 12 0 5 45 III 000)"},
{R"(to_char(timestamp '0945-03-22 12:00:00', 'DDth DDTH MMth HH24th YYYYth DDDTH Qth'))", R"(22nd 22ND 03rd 12th 0945th 081ST 1st)"},
{R"(to_char(timestamp '0945-03-22 12:00:00', '"text\"x" YYYY\"'))", R"(text"x 0945")"},
{R"(to_char(timestamp '0945-03-22 12:00:00', 'yyyy-mm-dd hh24:mi:ss'))", R"(0945-03-22 12:00:00)"},
{R"(to_char(timestamp '0945-03-22 12:00:00', 'TZ tz TZH TZM OF'))", R"(  +00 00 +00)"},
{R"(to_char(timestamp '0945-03-22 12:00:00', 'YYYY-MM-DD"T"HH24:MI:SSZ'))", R"(0945-03-22T12:00:00Z)"},
{R"(to_char(timestamp '0945-03-22 12:00:00', 'FXYYYY'))", R"(0945)"},
{R"(to_char(timestamp '0945-03-22 12:00:00', 'Dth DAYth'))", R"(2nd MONDAY   )"},
{R"(to_char(timestamp '0945-03-22 12:00:00', 'FMDDth'))", R"(22nd)"},
{R"(to_char(make_date(-44,3,15)::timestamp, 'YYYY-MM-DD HH24:MI:SS.US'))", R"(0044-03-15 00:00:00.000000)"},
{R"(to_char(make_date(-44,3,15)::timestamp, 'Y,YYY YYY YY Y'))", R"(0,044 044 44 4)"},
{R"(to_char(make_date(-44,3,15)::timestamp, 'IYYY IYY IY I'))", R"(0044 044 44 4)"},
{R"(to_char(make_date(-44,3,15)::timestamp, 'CC Q MM WW W IW J'))", R"(-01 1 03 11 3 11 1705428)"},
{R"(to_char(make_date(-44,3,15)::timestamp, 'DDD IDDD DD D ID'))", R"(074 075 15 6 5)"},
{R"(to_char(make_date(-44,3,15)::timestamp, 'HH12 HH HH24 MI SS SSSS SSSSS'))", R"(12 12 00 00 00 0 0)"},
{R"(to_char(make_date(-44,3,15)::timestamp, 'FF1 FF2 FF3 FF4 FF5 FF6 MS US'))", R"(0 00 000 0000 00000 000000 000 000000)"},
{R"(to_char(make_date(-44,3,15)::timestamp, 'AM a.m. P.M. pm'))", R"(AM a.m. A.M. am)"},
{R"(to_char(make_date(-44,3,15)::timestamp, 'AD bc A.D. b.c.'))", R"(BC bc B.C. b.c.)"},
{R"(to_char(make_date(-44,3,15)::timestamp, 'MONTH|Month|month|MON|Mon|mon|RM|rm'))", R"(MARCH    |March    |march    |MAR|Mar|mar|III |iii )"},
{R"(to_char(make_date(-44,3,15)::timestamp, 'DAY|Day|day|DY|Dy|dy'))", R"(FRIDAY   |Friday   |friday   |FRI|Fri|fri)"},
{R"(to_char(make_date(-44,3,15)::timestamp, 'FMMonth FMDD, FMDDD FMHH24 FMMI FMY FMYY FMRM FMMS'))", R"(March 15, 74 0 0 4 44 III 000)"},
{R"(to_char(make_date(-44,3,15)::timestamp, 'DDth DDTH MMth HH24th YYYYth DDDTH Qth'))", R"(15th 15TH 03rd 00th 0044th 074TH 1st)"},
{R"(to_char(make_date(-44,3,15)::timestamp, '"text\"x" YYYY\"'))", R"(text"x 0044")"},
{R"(to_char(make_date(-44,3,15)::timestamp, 'yyyy-mm-dd hh24:mi:ss'))", R"(0044-03-15 00:00:00)"},
{R"(to_char(make_date(-44,3,15)::timestamp, 'TZ tz TZH TZM OF'))", R"(  +00 00 +00)"},
{R"(to_char(make_date(-44,3,15)::timestamp, 'YYYY-MM-DD"T"HH24:MI:SSZ'))", R"(0044-03-15T00:00:00Z)"},
{R"(to_char(make_date(-44,3,15)::timestamp, 'FXYYYY'))", R"(0044)"},
{R"(to_char(make_date(-44,3,15)::timestamp, 'Dth DAYth'))", R"(6th FRIDAY   )"},
{R"(to_char(make_date(-44,3,15)::timestamp, 'FMDDth'))", R"(15th)"},
{R"(to_char(timestamp '2021-11-11 11:11:11.01', 'YYYY-MM-DD HH24:MI:SS.US'))", R"(2021-11-11 11:11:11.010000)"},
{R"(to_char(timestamp '2021-11-11 11:11:11.01', 'Y,YYY YYY YY Y'))", R"(2,021 021 21 1)"},
{R"(to_char(timestamp '2021-11-11 11:11:11.01', 'IYYY IYY IY I'))", R"(2021 021 21 1)"},
{R"(to_char(timestamp '2021-11-11 11:11:11.01', 'CC Q MM WW W IW J'))", R"(21 4 11 45 2 45 2459530)"},
{R"(to_char(timestamp '2021-11-11 11:11:11.01', 'DDD IDDD DD D ID'))", R"(315 312 11 5 4)"},
{R"(to_char(timestamp '2021-11-11 11:11:11.01', 'HH12 HH HH24 MI SS SSSS SSSSS'))", R"(11 11 11 11 11 40271 40271)"},
{R"(to_char(timestamp '2021-11-11 11:11:11.01', 'FF1 FF2 FF3 FF4 FF5 FF6 MS US'))", R"(0 01 010 0100 01000 010000 010 010000)"},
{R"(to_char(timestamp '2021-11-11 11:11:11.01', 'AM a.m. P.M. pm'))", R"(AM a.m. A.M. am)"},
{R"(to_char(timestamp '2021-11-11 11:11:11.01', 'AD bc A.D. b.c.'))", R"(AD ad A.D. a.d.)"},
{R"(to_char(timestamp '2021-11-11 11:11:11.01', 'MONTH|Month|month|MON|Mon|mon|RM|rm'))", R"(NOVEMBER |November |november |NOV|Nov|nov|XI  |xi  )"},
{R"(to_char(timestamp '2021-11-11 11:11:11.01', 'DAY|Day|day|DY|Dy|dy'))", R"(THURSDAY |Thursday |thursday |THU|Thu|thu)"},
{R"(to_char(timestamp '2021-11-11 11:11:11.01', 'FMMonth FMDD, FMDDD FMHH24 FMMI FMY FMYY FMRM FMMS'))", R"(November 11, 315 11 11 1 21 XI 010)"},
{R"(to_char(timestamp '2021-11-11 11:11:11.01', 'DDth DDTH MMth HH24th YYYYth DDDTH Qth'))", R"(11th 11TH 11th 11th 2021st 315TH 4th)"},
{R"(to_char(timestamp '2021-11-11 11:11:11.01', '"text\"x" YYYY\"'))", R"(text"x 2021")"},
{R"(to_char(timestamp '2021-11-11 11:11:11.01', 'yyyy-mm-dd hh24:mi:ss'))", R"(2021-11-11 11:11:11)"},
{R"(to_char(timestamp '2021-11-11 11:11:11.01', 'TZ tz TZH TZM OF'))", R"(  +00 00 +00)"},
{R"(to_char(timestamp '2021-11-11 11:11:11.01', 'YYYY-MM-DD"T"HH24:MI:SSZ'))", R"(2021-11-11T11:11:11Z)"},
{R"(to_char(timestamp '2021-11-11 11:11:11.01', 'FXYYYY'))", R"(2021)"},
{R"(to_char(timestamp '2021-11-11 11:11:11.01', 'Dth DAYth'))", R"(5th THURSDAY )"},
{R"(to_char(timestamp '2021-11-11 11:11:11.01', 'FMDDth'))", R"(11th)"},
{R"(to_char(timestamptz '2024-07-01 22:30:15+00', 'YYYY-MM-DD HH24:MI:SS.US'))", R"(2024-07-02 04:00:15.000000)"},
{R"(to_char(timestamptz '2024-07-01 22:30:15+00', 'Y,YYY YYY YY Y'))", R"(2,024 024 24 4)"},
{R"(to_char(timestamptz '2024-07-01 22:30:15+00', 'IYYY IYY IY I'))", R"(2024 024 24 4)"},
{R"(to_char(timestamptz '2024-07-01 22:30:15+00', 'CC Q MM WW W IW J'))", R"(21 3 07 27 1 27 2460494)"},
{R"(to_char(timestamptz '2024-07-01 22:30:15+00', 'DDD IDDD DD D ID'))", R"(184 184 02 3 2)"},
{R"(to_char(timestamptz '2024-07-01 22:30:15+00', 'HH12 HH HH24 MI SS SSSS SSSSS'))", R"(04 04 04 00 15 14415 14415)"},
{R"(to_char(timestamptz '2024-07-01 22:30:15+00', 'FF1 FF2 FF3 FF4 FF5 FF6 MS US'))", R"(0 00 000 0000 00000 000000 000 000000)"},
{R"(to_char(timestamptz '2024-07-01 22:30:15+00', 'AM a.m. P.M. pm'))", R"(AM a.m. A.M. am)"},
{R"(to_char(timestamptz '2024-07-01 22:30:15+00', 'AD bc A.D. b.c.'))", R"(AD ad A.D. a.d.)"},
{R"(to_char(timestamptz '2024-07-01 22:30:15+00', 'MONTH|Month|month|MON|Mon|mon|RM|rm'))", R"(JULY     |July     |july     |JUL|Jul|jul|VII |vii )"},
{R"(to_char(timestamptz '2024-07-01 22:30:15+00', 'DAY|Day|day|DY|Dy|dy'))", R"(TUESDAY  |Tuesday  |tuesday  |TUE|Tue|tue)"},
{R"(to_char(timestamptz '2024-07-01 22:30:15+00', 'FMMonth FMDD, FMDDD FMHH24 FMMI FMY FMYY FMRM FMMS'))", R"(July 2, 184 4 0 4 24 VII 000)"},
{R"(to_char(timestamptz '2024-07-01 22:30:15+00', 'DDth DDTH MMth HH24th YYYYth DDDTH Qth'))", R"(02nd 02ND 07th 04th 2024th 184TH 3rd)"},
{R"(to_char(timestamptz '2024-07-01 22:30:15+00', '"text\"x" YYYY\"'))", R"(text"x 2024")"},
{R"(to_char(timestamptz '2024-07-01 22:30:15+00', 'yyyy-mm-dd hh24:mi:ss'))", R"(2024-07-02 04:00:15)"},
{R"(to_char(timestamptz '2024-07-01 22:30:15+00', 'TZ tz TZH TZM OF'))", R"(IST ist +05 30 +05:30)"},
{R"(to_char(timestamptz '2024-07-01 22:30:15+00', 'YYYY-MM-DD"T"HH24:MI:SSZ'))", R"(2024-07-02T04:00:15Z)"},
{R"(to_char(timestamptz '2024-07-01 22:30:15+00', 'FXYYYY'))", R"(2024)"},
{R"(to_char(timestamptz '2024-07-01 22:30:15+00', 'Dth DAYth'))", R"(3rd TUESDAY  )"},
{R"(to_char(timestamptz '2024-07-01 22:30:15+00', 'FMDDth'))", R"(2nd)"},
{R"(to_char(timestamptz '2024-12-03 22:30:15+00', 'YYYY-MM-DD HH24:MI:SS.US'))", R"(2024-12-04 04:00:15.000000)"},
{R"(to_char(timestamptz '2024-12-03 22:30:15+00', 'Y,YYY YYY YY Y'))", R"(2,024 024 24 4)"},
{R"(to_char(timestamptz '2024-12-03 22:30:15+00', 'IYYY IYY IY I'))", R"(2024 024 24 4)"},
{R"(to_char(timestamptz '2024-12-03 22:30:15+00', 'CC Q MM WW W IW J'))", R"(21 4 12 49 1 49 2460649)"},
{R"(to_char(timestamptz '2024-12-03 22:30:15+00', 'DDD IDDD DD D ID'))", R"(339 339 04 4 3)"},
{R"(to_char(timestamptz '2024-12-03 22:30:15+00', 'HH12 HH HH24 MI SS SSSS SSSSS'))", R"(04 04 04 00 15 14415 14415)"},
{R"(to_char(timestamptz '2024-12-03 22:30:15+00', 'FF1 FF2 FF3 FF4 FF5 FF6 MS US'))", R"(0 00 000 0000 00000 000000 000 000000)"},
{R"(to_char(timestamptz '2024-12-03 22:30:15+00', 'AM a.m. P.M. pm'))", R"(AM a.m. A.M. am)"},
{R"(to_char(timestamptz '2024-12-03 22:30:15+00', 'AD bc A.D. b.c.'))", R"(AD ad A.D. a.d.)"},
{R"(to_char(timestamptz '2024-12-03 22:30:15+00', 'MONTH|Month|month|MON|Mon|mon|RM|rm'))", R"(DECEMBER |December |december |DEC|Dec|dec|XII |xii )"},
{R"(to_char(timestamptz '2024-12-03 22:30:15+00', 'DAY|Day|day|DY|Dy|dy'))", R"(WEDNESDAY|Wednesday|wednesday|WED|Wed|wed)"},
{R"(to_char(timestamptz '2024-12-03 22:30:15+00', 'FMMonth FMDD, FMDDD FMHH24 FMMI FMY FMYY FMRM FMMS'))", R"(December 4, 339 4 0 4 24 XII 000)"},
{R"(to_char(timestamptz '2024-12-03 22:30:15+00', 'DDth DDTH MMth HH24th YYYYth DDDTH Qth'))", R"(04th 04TH 12th 04th 2024th 339TH 4th)"},
{R"(to_char(timestamptz '2024-12-03 22:30:15+00', '"text\"x" YYYY\"'))", R"(text"x 2024")"},
{R"(to_char(timestamptz '2024-12-03 22:30:15+00', 'yyyy-mm-dd hh24:mi:ss'))", R"(2024-12-04 04:00:15)"},
{R"(to_char(timestamptz '2024-12-03 22:30:15+00', 'TZ tz TZH TZM OF'))", R"(IST ist +05 30 +05:30)"},
{R"(to_char(timestamptz '2024-12-03 22:30:15+00', 'YYYY-MM-DD"T"HH24:MI:SSZ'))", R"(2024-12-04T04:00:15Z)"},
{R"(to_char(timestamptz '2024-12-03 22:30:15+00', 'FXYYYY'))", R"(2024)"},
{R"(to_char(timestamptz '2024-12-03 22:30:15+00', 'Dth DAYth'))", R"(4th WEDNESDAY)"},
{R"(to_char(timestamptz '2024-12-03 22:30:15+00', 'FMDDth'))", R"(4th)"},
});
}
// clang-format on

TEST_CASE("the name and offset of the zone are those of the time") {
  const in_zone zone("America/St_Johns");
  check_all({{"to_char(timestamptz '2024-07-01 12:00+00', 'TZ tz OF TZH:TZM')", "NDT ndt -02:30 -02:30"},
             {"to_char(timestamptz '2050-01-01 12:00+00', 'TZ OF')", "NST -03:30"}});
}

TEST_CASE("to_date and to_timestamp read what they write, and nothing else") {
  check_all({{"to_date('0000-01-01', 'YYYY-MM-DD')", "0001-01-01 BC"},
             {"to_timestamp('2024-05-01 03:00 PM', 'YYYY-MM-DD HH24:MI PM')", "2024-05-01 15:00:00+00"},
             {"to_timestamp('2024-05-01 12:30 a.m.', 'YYYY-MM-DD HH12:MI a.m.')", "2024-05-01 00:30:00+00"},
             {"to_date('2024 122', 'YYYY DDD')", "2024-05-01"},
             {"to_date('1st May 2024', 'DDTH Mon YYYY')", "2024-05-01"},
             {"to_timestamp('2024-05-01 47109', 'YYYY-MM-DD SSSS')", "2024-05-01 13:05:09+00"},
             {"to_date('2460432', 'J')", "2024-05-01"},
             {"to_timestamp('2024-05-01 1.5', 'YYYY-MM-DD SS.FF1')", "2024-05-01 00:00:01.5+00"},
             {"to_timestamp('12:30', 'HH24:MI')", "0001-01-01 12:30:00+00 BC"},
             {"to_date('70', 'YY')", "1970-01-01"},
             {"to_date('69', 'YY')", "2069-01-01"}});
  for (const auto* row :
       {"to_timestamp('2024-05-01 15:00 PM', 'YYYY-MM-DD HH24:MI PM')", "to_date('2024 367', 'YYYY DDD')",
        "to_timestamp('2024-05-01 86400', 'YYYY-MM-DD SSSS')", "to_date('2024-02-30', 'YYYY-MM-DD')",
        "to_date('2024-05-01x', 'YYYY-MM-DD')", "to_date('1xx 2024', 'DDTH YYYY')"}) {
    INFO(row);
    CHECK(value_of(row).starts_with("!invalid_cast"));
  }
}

TEST_CASE("a pattern that is not known, or can't be read back, is refused before anything runs") {
  const std::string at = "timestamp '2024-05-01'";
  CHECK(refusal("to_char", at, "YYYY-MM-DDTHH24:MI") ==
        "invalid_pattern@32 the format 'YYYY-MM-DDTHH24:MI' contains H, which has no meaning here [TH turns the part "
        "before it into an ordinal; for a letter T write \"T\" in double quotes]");
  CHECK(refusal("to_char", at, "TMMonth") ==
        "invalid_pattern@32 the format 'TMMonth' contains TM (names in the server's language), which is not supported "
        "[leave it out: names are in English]");
  for (const auto* bad : {"YYYY year", "DDSP", "MOnth", "Hh24", "%Q", "YYYY-MM-DDTHH24", "x", "Am"}) {
    INFO(bad);
    CHECK(refusal("to_char", at, bad).starts_with("invalid_pattern@32 the format"));
  }
  for (const auto* bad : {"IYYY-IW",
                          "IYYY-IDDD",
                          "YYYY-Q",
                          "YYYY WW",
                          "YYYY-MM W",
                          "YYYY-MM-DD D",
                          "YYYY-MM-DD ID",
                          "CC",
                          "Y,YYY",
                          "YYY",
                          "Y",
                          "RM YYYY",
                          "YYYY BC",
                          "YYYY-MM-DD TZ",
                          "YYYY-MM-DD OF",
                          "YYYY-MM-DD TZH",
                          "DDD",
                          "YYYY-MM DDD",
                          "YYYY YY",
                          "MM Mon YYYY",
                          "J YYYY",
                          "HH24 HH12",
                          "SS SSSS"}) {
    INFO(bad);
    for (const auto* function : {"to_date", "to_timestamp"})
      CHECK(refusal(function, "'x'", bad).starts_with("invalid_pattern@"));
  }
  CHECK(refusal("to_date", "'x'", "YYYY-Q") ==
        "invalid_pattern@13 the format 'YYYY-Q' contains the quarter, which can be formatted but not parsed [use year, "
        "month and day (or the day of the year) and the time of day]");
  CHECK(value_of("strptime('3 01.05.2024', '%u %d.%m.%Y')") == "2024-05-01 00:00:00");
}
