import { expect, test } from 'vitest';

import { parseConnections, parseStatistics } from './statistics.ts';

const header =
  '# pxname,svname,type,status,mode,stot,lbtot,hrsp_5xx,econ,eresp,wretr,qcur,rtime,ctime,rtime_max,ctime_max,lastchg,check_status,check_code,last_chk,check_desc,addr';

test('requests, errors and times of a backend and its servers are read', () => {
  const text = `${header}
web,a,2,UP,http,5,5,1,0,0,0,0,7,1,90,3,12,L7OK,200,,Layer7 check passed,10.0.0.1:80
web,b,2,DOWN,http,0,0,0,0,0,0,0,0,0,0,0,3,L4CON,,Connection refused,Layer4 connection problem,10.0.0.2:80
web,BACKEND,1,UP,http,9,5,2,0,0,4,1,7,1,90,3,12,,,,,`;
  const web = parseStatistics(text, 100_000).get('web');
  expect(web).toMatchObject({
    mode: 'http',
    requests: 9,
    errors: 2,
    average: 7,
    slowest: 7,
    longest: 90,
    retries: 4,
    queued: 1,
  });
  expect([...(web?.servers.values() ?? [])]).toEqual([
    {
      name: 'a',
      address: '10.0.0.1:80',
      status: 'UP',
      since: 88_000,
      reason: 'L7OK, Layer7 check passed, status 200',
    },
    {
      name: 'b',
      address: '10.0.0.2:80',
      status: 'DOWN',
      since: 97_000,
      reason: 'L4CON, Connection refused',
    },
  ]);
});

test('of a TCP backend failures to connect are its errors, and the time to connect its time', () => {
  const text = `${header}
db,BACKEND,1,UP,tcp,9,9,,2,1,0,0,0,3,0,8,12,,,,,`;
  expect(parseStatistics(text, 0).get('db')).toMatchObject({
    mode: 'tcp',
    errors: 3,
    average: 3,
    longest: 8,
    slowest: undefined,
  });
});

test('who was asked nothing has no time, rather than none at all', () => {
  const text = `${header}
web,BACKEND,1,UP,http,0,0,0,0,0,0,0,0,0,0,0,12,,,,,`;
  expect(parseStatistics(text, 0).get('web')).toMatchObject({
    average: undefined,
    longest: undefined,
  });
});

test('what a check says may have commas and quotes in it', () => {
  const text = `${header}
web,a,2,DOWN,http,0,0,0,0,0,0,0,0,0,0,0,1,L7RSP,,"said ""no"", twice",x,10.0.0.1:80
web,BACKEND,1,DOWN,http,0,0,0,0,0,0,0,0,0,0,0,1,,,,,`;
  const [server] = parseStatistics(text, 0).get('web')?.servers.values() ?? [];
  expect(server).toMatchObject({ reason: 'L7RSP, said "no", twice', address: '10.0.0.1:80' });
});

test('nothing is nothing', () => {
  expect(parseStatistics('', 0).size).toBe(0);
});

test('connections that carry something, by server', () => {
  const text = '# pxname,svname,qcur,qmax,scur,smax,\nweb,a,0,0,4,9,\nweb,b,0,0,0,2,\n\n';
  expect(parseConnections(text)).toEqual(new Map(Object.entries({ a: 4, b: 0 })));
});

test('a server that errors took out is ejected, with when it is back; one that a check took out is down', () => {
  const text = `# pxname,svname,type,status,mode,hanafail,lastchg,check_status,last_chk,check_desc,addr
web,a,2,DOWN,http,1,12,HANA,"Detected 5 consecutive errors, last one was: L7 ""error""",Health analyze,10.0.0.1:80
web,b,2,DOWN,http,2,40,* L4CON,Connection refused,Layer4 connection problem,10.0.0.2:80
web,c,2,DOWN,http,0,3,L4CON,Connection refused,Layer4 connection problem,10.0.0.3:80
web,d,2,UP,http,1,3,L4OK,,Layer4 check passed,10.0.0.4:80
web,BACKEND,1,UP,http,,12,,,,`;
  const times = new Map([['web', 30_000]]);
  const web = parseStatistics(text, 100_000, times).get('web');
  const ejected = [...(web?.servers.values() ?? [])].map((server) => server.ejected);
  expect(ejected).toEqual([
    {
      since: 88_000,
      why: 'Detected 5 consecutive errors, last one was: L7 "error"',
      time: 30_000,
      back: 118_000,
    },
    { since: 60_000, why: 'L4CON, Connection refused', time: 30_000 },
    undefined,
    undefined,
  ]);
  expect(web?.ejections).toBe(4);
  expect(parseStatistics(text, 100_000).get('web')?.ejections).toBe(undefined);
});

test('a quoted field may have commas, quotes and line breaks, and the rows around it are read', () => {
  const text = `# pxname,svname,type,status,mode,last_chk,check_desc,addr
web,a,2,DOWN,http,"x, ""y""
z",desc,10.0.0.1:80
web,b,2,UP,http,,,10.0.0.2:80
web,BACKEND,1,UP,http,"",,`;
  const { servers } = parseStatistics(text, 0).get('web') ?? {};
  expect(servers?.get('a')).toMatchObject({ reason: 'x, "y"\nz', address: '10.0.0.1:80' });
  expect(servers?.get('b')).toMatchObject({ status: 'UP', address: '10.0.0.2:80' });
});
