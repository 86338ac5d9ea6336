package milvus

import (
	"fmt"
	"path/filepath"
)

// ports are all that Milvus listens on in standalone mode.
type ports struct {
	proxy, proxyInternal                       int
	rootCoord, queryCoord, queryNode           int
	dataCoord, dataNode, indexNode, indexCoord int
	metrics, etcdClient, etcdPeer              int
}

// defaultPorts are Milvus' own: always free in a namespace of its own.
func defaultPorts() ports {
	return ports{
		proxy: 19530, proxyInternal: 19529,
		rootCoord: 53100, queryCoord: 19531, queryNode: 21123,
		dataCoord: 13333, dataNode: 21124, indexNode: 21121, indexCoord: 22930,
		metrics: 9091, etcdClient: 2379, etcdPeer: 2380,
	}
}

func (p *ports) all() []*int {
	return append([]*int{&p.etcdClient, &p.etcdPeer, &p.indexCoord}, p.everywhere()...)
}

// everywhere are the ports that Milvus opens on every address, whatever its
// configuration says.
func (p *ports) everywhere() []*int {
	return []*int{&p.proxy, &p.proxyInternal, &p.rootCoord, &p.queryCoord, &p.queryNode,
		&p.dataCoord, &p.dataNode, &p.indexNode, &p.metrics}
}

// open are the numbers of the ports that can be reached from the machine's network.
func (p ports) open() []int {
	var numbers []int
	for _, port := range p.everywhere() {
		numbers = append(numbers, *port)
	}
	return numbers
}

// serverEnvironment is the whole environment of Milvus' process.
func serverEnvironment(server, data string, ports ports) []string {
	return append(passedOn(),
		"DEPLOY_MODE=STANDALONE",
		"TMPDIR="+filepath.Join(data, "tmp"),
		fmt.Sprintf("METRICS_PORT=%d", ports.metrics),
		"LD_LIBRARY_PATH="+server,
	)
}

type section = map[string]any

// milvusSettings is milvus.yaml where it differs from the defaults, which are
// meant for larger machines.
func milvusSettings(data string, ports ports, authorize bool) section {
	folder := func(name string) string { return filepath.Join(data, name) }
	at := func(port int) section { return section{"ip": "127.0.0.1", "port": port} }
	proxy := at(ports.proxy)
	proxy["internalPort"] = ports.proxyInternal
	// Loading a collection waits for these rounds: 3 s with the default second.
	queryCoord := at(ports.queryCoord)
	queryCoord["checkChannelInterval"] = 200
	queryCoord["checkSegmentInterval"] = 200
	queryCoord["distPullInterval"] = 200
	queryNode := at(ports.queryNode)
	// Rows that are not yet in a sealed segment are compared exactly: the
	// interim index would miss some of the nearest.
	queryNode["segcore"] = section{"interimIndex": section{"enableIndex": false}}
	indexNode := at(ports.indexNode)
	indexNode["enableDisk"] = false
	return section{
		"etcd": section{
			"endpoints": fmt.Sprintf("localhost:%d", ports.etcdClient),
			"use":       section{"embed": true},
			"data":      section{"dir": folder("etcd")},
			"config":    section{"path": folder("configs/etcd.yaml")},
			"log":       section{"level": "warn", "path": folder("logs/etcd.log")},
		},
		"metastore":    section{"type": "etcd"},
		"localStorage": section{"path": folder("storage")},
		"mq":           section{"type": "rocksmq"},
		"rocksmq": section{
			"path":                   folder("rocksmq"),
			"retentionTimeInMinutes": 1440,
			"retentionSizeInMB":      2048,
			"compactionInterval":     3600,
		},
		"rootCoord":  at(ports.rootCoord),
		"proxy":      proxy,
		"queryCoord": queryCoord,
		"queryNode":  queryNode,
		"indexCoord": section{"bindIndexNodeMode": section{"address": fmt.Sprintf("localhost:%d", ports.indexCoord)}},
		"indexNode":  indexNode,
		"dataCoord":  at(ports.dataCoord),
		"dataNode":   at(ports.dataNode),
		"log": section{
			"level":  "warn",
			"stdout": false,
			"file":   section{"rootPath": folder("logs"), "maxSize": 32, "maxAge": 10, "maxBackups": 3},
		},
		"common": section{
			"storageType": "local",
			"session":     section{"ttl": 5}, // healthy again 9 s after a SIGKILL; 30 means 35 to 49 s
			"security":    section{"authorizationEnabled": authorize},
		},
		"quotaAndLimits": section{"enabled": true},
	}
}

// etcdSettings configure the embedded etcd: its ports, and compaction, without
// which its history fills the quota within months and writes stop.
func etcdSettings(ports ports) section {
	client := fmt.Sprintf("http://127.0.0.1:%d", ports.etcdClient)
	peer := fmt.Sprintf("http://127.0.0.1:%d", ports.etcdPeer)
	return section{
		"name":                        "default",
		"listen-client-urls":          client,
		"advertise-client-urls":       client,
		"listen-peer-urls":            peer,
		"initial-advertise-peer-urls": peer,
		"initial-cluster":             "default=" + peer,
		"auto-compaction-mode":        "revision",
		"auto-compaction-retention":   "1000",
		"quota-backend-bytes":         4 << 30,
	}
}

// glogSettings keep the C++ half of Milvus from writing log files of its own.
const glogSettings = `--logtostdout=false
--logtostderr=true
--minloglevel=1
--stop_logging_if_full_disk=true
`
