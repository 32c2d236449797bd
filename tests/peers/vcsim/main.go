// vCenter as govmomi's simulator plays it, on loopback, until it is told to end.
//
// Debian ships the simulator as a library only; this is the program around it. It prints its address as one line.
package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"log"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"github.com/vmware/govmomi/simulator"
)

func main() {
	model := simulator.VPX()
	account := flag.String("account", "", "the one account that may log in")
	flag.IntVar(&model.Cluster, "clusters", 1, "clusters in the datacenter")
	flag.IntVar(&model.ClusterHost, "hosts", 1, "hosts in each cluster")
	flag.IntVar(&model.Machine, "machines", 1, "virtual machines in each cluster")
	flag.IntVar(&model.Datastore, "datastores", 1, "datastores")
	flag.Parse()
	model.Host = 0 // no host outside of a cluster: it would have machines of its own

	if err := model.Create(); err != nil {
		log.Fatal(err)
	}
	model.Service.TLS = new(tls.Config)
	model.Service.Listen = &url.URL{
		Host: "127.0.0.1:0",
		User: url.UserPassword(*account, os.Getenv("VCSIM_PASSWORD")),
	}
	server := model.Service.NewServer()
	fmt.Println(server.URL.Host)

	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGINT, syscall.SIGTERM)
	<-end
	server.Close()
	model.Remove()
}
