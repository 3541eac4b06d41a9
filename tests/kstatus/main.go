// Command kstatus says what Flux's library makes of objects: one JSON object a line in, one verdict a line out.
//
// It prints Current, InProgress, Failed, Terminating, NotFound or Unknown, a tab, and the library's message.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// An object of an API server is at most 1.5 MiB in etcd; its JSON is seldom twice as long.
const longest = 8 << 20

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, longest)
	for lines.Scan() {
		var object unstructured.Unstructured
		if err := object.UnmarshalJSON(lines.Bytes()); err != nil {
			stop(err)
		}
		result, err := status.Compute(&object)
		if err != nil {
			stop(err)
		}
		fmt.Printf("%s\t%s\n", result.Status, strings.ReplaceAll(result.Message, "\n", " "))
	}
	if err := lines.Err(); err != nil {
		stop(err)
	}
}

func stop(err error) {
	fmt.Fprintln(os.Stderr, "kstatus:", err)
	os.Exit(1)
}
