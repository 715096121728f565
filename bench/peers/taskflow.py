"""
OpenStack TaskFlow: a linear flow of four tasks under the serial engine (what its page "Engines" gives for flows without
parallel branches), persisted by the SQLAlchemy backend (page "Persistence"), which writes after every change of a task's
state. On PostgreSQL one process for each core; on SQLite, which has one writer, one process. There is no queue in it but the
job board, which needs ZooKeeper or etcd: each process makes its share of the flows and runs them.
"""
import json
import logging
import os
import sys
import time

import sqlalchemy
from taskflow import engines, task
from taskflow.patterns import linear_flow
from taskflow.persistence import backends

logging.disable(logging.WARNING)
settings = json.loads(sys.argv[1])
answers = os.fdopen(3, 'w', buffering=1)
connection = settings['url'].replace('postgres://', 'postgresql://') or f"sqlite:///{settings['dir']}/taskflow.db"


class SelectHost(task.Task):
    default_provides = 'host'

    def execute(self, cpu):
        return 'node-1'


class AllocIp(task.Task):
    default_provides = 'ip'

    def execute(self, host):
        return '10.0.0.11'


class CreateVm(task.Task):
    default_provides = 'uuid'

    def execute(self, ip):
        return '6f1c0b9e'


class UpdateInfo(task.Task):
    default_provides = 'state'

    def execute(self, uuid):
        return 'ready'


backend = backends.fetch({'connection': connection})
if settings['process'] == 0:
    # What upgrade() does on SQLite; elsewhere it runs migrations, which Debian's package lacks.
    backend.get_connection()._metadata.create_all(bind=backend.engine)
reader = sqlalchemy.create_engine(connection)
mine = 0


def one():
    flow = linear_flow.Flow('create_vm').add(SelectHost(), AllocIp(), CreateVm(), UpdateInfo())
    engine = engines.load(flow, store={'cpu': 2, 'mem': 4096}, backend=backend, engine='serial')
    engine.run()
    assert engine.storage.fetch('state') == 'ready'


def work(flows):
    share = flows // settings['processes'] + (1 if settings['process'] < flows % settings['processes'] else 0)
    began = time.time() * 1000
    for _ in range(share):
        one()
    return {'began': began, 'ended': time.time() * 1000}


def complete():
    # The task that injects the parameters has no version.
    query = """SELECT count(*) FROM flowdetails f WHERE f.state = 'SUCCESS' AND 4 =
        (SELECT count(*) FROM atomdetails a WHERE a.parent_uuid = f.uuid AND a.state = 'SUCCESS'
            AND a.atom_type = 'TASK_DETAIL' AND a.version IS NOT NULL)"""
    with reader.connect() as opened:
        return opened.execute(sqlalchemy.text(query)).scalar()


def idle(flows):
    times = []
    for made in range(flows + flows // 5):
        began = time.perf_counter()
        one()
        if made >= flows // 5:
            times.append((time.perf_counter() - began) * 1000)
    return times


def obey(request):
    if request['do'] == 'work':
        return work(request['flows'])
    if request['do'] == 'idle':
        return idle(request['flows'])
    if request['do'] == 'complete':
        return complete()
    return None


answers.write('{"ready":true}\n')
for line in sys.stdin:
    request = json.loads(line)
    answers.write(json.dumps({'value': obey(request)}) + '\n')
    if request['do'] == 'close':
        break
