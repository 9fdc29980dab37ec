package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/walkdown-ot/walkdown/exporters"
	"github.com/walkdown-ot/walkdown/exporters/web"
	"github.com/walkdown-ot/walkdown/inventory"
	"github.com/walkdown-ot/walkdown/inventory/sqlite"
)

type serveCmd struct {
	ListenOn string `default:"127.0.0.1:8080" placeholder:"ADDRESS:PORT" help:"Where the page is served. Beyond loopback it is encrypted and wants a token."`
	ReadOnly bool   `help:"Nobody can write down what people know."`
	TLSCert  string `name:"tls-cert" placeholder:"FILE" type:"path" help:"Certificate chain (PEM) instead of one made for this run."`
	TLSKey   string `name:"tls-key" placeholder:"FILE" type:"path" help:"Its key (PEM)."`
}

// Help is shown below the flags.
func (serveCmd) Help() string {
	return `The report as a live page: progress of a running survey, search, map, each asset's evidence, downloads.
The token is taken from WALKDOWN_SERVE_TOKEN, or made for this run and printed.`
}

// Run serves until it is interrupted.
func (c serveCmd) Run(a *app) error {
	listener, err := (&net.ListenConfig{}).Listen(a.ctx, "tcp", c.ListenOn)
	if err != nil {
		return usage("for example --listen-on 127.0.0.1:8080; port 0 takes any free one", "cannot serve on %s: %v", c.ListenOn, err)
	}
	defer listener.Close() //nolint:errcheck // the server has closed it
	at := listener.Addr().(*net.TCPAddr)
	store, err := a.openToRead()
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // it was only read

	title := a.common.Site
	if title == "default" {
		title = "Plant"
	}
	options := web.Options{
		Title: title, Version: version(), Formats: exporters.All(), Stamp: func() string { return fileStamp(a.common.DB) },
		Export: func(ctx context.Context, f exporters.Format, to io.Writer) error {
			return a.download(ctx, store, f, to)
		},
	}
	if !c.ReadOnly {
		options.Annotate = a.annotateOne
	}
	scheme, secured := "http", c.TLSCert != "" || c.TLSKey != "" || !at.IP.IsLoopback()
	if at.IP.IsLoopback() {
		options.Hosts = []string{"localhost", "127.0.0.1", "::1", at.IP.String()}
	} else {
		if options.Token = os.Getenv("WALKDOWN_SERVE_TOKEN"); options.Token == "" {
			options.Token = rand.Text()
		}
	}
	ctx, stop := context.WithCancel(a.ctx)
	defer stop()
	handler := web.New(ctx, store, options)
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	served := listener
	if secured {
		certificate, fingerprint, err := c.certificate(at.IP)
		if err != nil {
			return err
		}
		scheme = "https"
		served = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}})
		fmt.Fprintf(a.stderr, "certificate SHA-256 %s\n", fingerprint)
	}
	address := fmt.Sprintf("%s://%s/", scheme, at)
	if options.Token != "" {
		address += "?token=" + options.Token
	}
	fmt.Fprintf(a.stdout, "%s\n", address)
	a.say("%s is served until Ctrl-C", a.common.DB)
	go func() {
		<-ctx.Done()
		server.Close() //nolint:errcheck // pages that follow the progress have no end of their own
	}()
	if err := server.Serve(served); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return failed(fmt.Errorf("serve the page: %w", err), "")
	}
	return nil
}

// download writes one state of the inventory in a format; several files go into a zip archive.
func (a *app) download(ctx context.Context, store *sqlite.Store, format exporters.Format, to io.Writer) error {
	options := exporters.Options{Time: now(), Version: version(), Site: a.common.Site, What: "assets"}
	var err error
	if options.Revision, err = store.Revision(ctx); err != nil {
		return err
	}
	return store.Snapshot(ctx, func(ctx context.Context, from inventory.Source) error {
		if format.Export != nil {
			return format.Export(ctx, from, to, options)
		}
		return writeZip(to, options.Time, func(into exporters.Folder) error { return format.Files(ctx, from, into, options) })
	})
}

// annotateOne keeps what a person says of one asset. The inventory is opened for it alone, so that a survey can write between.
func (a *app) annotateOne(ctx context.Context, asset, field, value string) error {
	field, value, err := inventory.CheckAnnotation(inventory.FieldsOf(asset), field, value)
	if err != nil {
		return err
	}
	engine, err := a.engine()
	if err != nil {
		return err
	}
	store, err := sqlite.Open(ctx, a.common.DB, sqlite.Options{Identify: engine.Identify, Now: now})
	if err != nil {
		return err
	}
	_, err = store.Annotate(ctx, []inventory.Annotation{{Of: asset, Attribute: field, Value: value, Author: operator()}})
	return errors.Join(err, store.Close())
}

// fileStamp changes when an inventory file or its log does.
func fileStamp(path string) string {
	stamp := ""
	for _, name := range []string{path, path + "-wal"} {
		if info, err := os.Stat(name); err == nil {
			stamp += fmt.Sprintf("%d.%d ", info.ModTime().UnixNano(), info.Size())
		}
	}
	return stamp
}
