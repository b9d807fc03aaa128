// pause keeps the namespaces of a pod alive: it does nothing, until it is asked to end.
//
// Where a pod's containers share a process namespace it is their process 1 and takes up the children that they leave.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	for received := range signals {
		if received != syscall.SIGCHLD {
			return
		}
		for {
			child, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
			if child <= 0 && err != syscall.EINTR {
				break
			}
		}
	}
}
