package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/digitalocean/godo"
)

// recorder keeps the raw body of the latest answer, for a second, strict reading.
type recorder struct {
	base  http.RoundTripper
	body  []byte
	calls map[string]int
}

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := r.base.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	r.body, err = io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(r.body))
	r.calls[request.Method]++
	return response, nil
}

// checker stops the program at the first answer that is not what the official client expects.
type checker struct {
	wire *recorder
	step string
}

type failure struct{ text string }

func (c *checker) failf(format string, arguments ...any) {
	panic(failure{c.step + ": " + fmt.Sprintf(format, arguments...)})
}

func (c *checker) ok(err error) {
	if err != nil {
		c.failf("%v", err)
	}
}

func (c *checker) equal(what string, got, want any) {
	if !reflect.DeepEqual(got, want) {
		c.failf("%s: got %v, want %v", what, got, want)
	}
}

// refused checks an error answer: its status and a part of its message, and that it names its request.
func (c *checker) refused(err error, status int, part string) {
	problem, isAnswer := err.(*godo.ErrorResponse)
	if !isAnswer {
		c.failf("want an error %d, got %v", status, err)
	}
	if problem.Response.StatusCode != status || !strings.Contains(problem.Message, part) {
		c.failf("want %d %q, got %d %q", status, part, problem.Response.StatusCode, problem.Message)
	}
	if len(problem.RequestID) != 36 {
		c.failf("request id %q", problem.RequestID)
	}
}

// root reads the latest answer's object or list named key into T, which must know every field and find every field of
// its own except those named.
func root[T any](c *checker, key string, except ...string) T {
	var top map[string]json.RawMessage
	c.ok(json.Unmarshal(c.wire.body, &top))
	for name, value := range top {
		switch name {
		case key:
		case "links":
			strictly[godo.Links](c, value)
		case "meta":
			strictly[godo.Meta](c, value)
		default:
			c.failf("unknown root %q", name)
		}
	}
	raw, found := top[key]
	if !found {
		c.failf("no root %q in %s", key, c.wire.body)
	}
	value := strictly[T](c, raw)
	c.complete(raw, reflect.TypeOf(value), except)
	return value
}

// list is root for lists, which carry links and a total.
func list[T any](c *checker, key string, except ...string) []T {
	var top map[string]json.RawMessage
	c.ok(json.Unmarshal(c.wire.body, &top))
	if top["links"] == nil || top["meta"] == nil {
		c.failf("a list without links or meta: %s", c.wire.body)
	}
	return root[[]T](c, key, except...)
}

func strictly[T any](c *checker, raw json.RawMessage) T {
	var value T
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&value); err != nil {
		c.failf("%v in %s", err, raw)
	}
	return value
}

// complete checks that the answer has all fields of the client's type.
func (c *checker) complete(raw json.RawMessage, kind reflect.Type, except []string) {
	for kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	if kind.Kind() == reflect.Slice {
		var items []json.RawMessage
		c.ok(json.Unmarshal(raw, &items))
		for _, item := range items {
			c.complete(item, kind.Elem(), except)
		}
		return
	}
	if kind.Kind() != reflect.Struct {
		return
	}
	var fields map[string]json.RawMessage
	c.ok(json.Unmarshal(raw, &fields))
	for _, field := range reflect.VisibleFields(kind) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous || name == "" || slices.Contains(except, name) {
			continue
		}
		if _, found := fields[name]; !found {
			c.failf("%s has no field %q: %s", kind, name, raw)
		}
	}
}

// eventually polls until done reports true.
func (c *checker) eventually(what string, done func() bool) {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if done() {
			return
		}
	}
	c.failf("gave up waiting until %s", what)
}
