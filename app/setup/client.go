package setup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// download makes the registry's ordinary client bring the package into folder.
// After a failure it tries once more: the network of a first start is often poor.
func download(ctx context.Context, pkg Package, folder string) error {
	err := downloadOnce(ctx, pkg, folder)
	var failed *exec.ExitError
	if errors.As(err, &failed) && ctx.Err() == nil {
		err = downloadOnce(ctx, pkg, folder)
	}
	return err
}

func downloadOnce(ctx context.Context, pkg Package, folder string) error {
	if pkg.Registry == Npm {
		return npmPack(ctx, pkg, folder)
	}
	return pipDownload(ctx, pkg, folder)
}

func npmPack(ctx context.Context, pkg Package, folder string) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return errors.New("npm is not installed: install Node.js, which brings it")
	}
	return run(ctx, folder, npm, "pack", "--silent", "--ignore-scripts", "--pack-destination", folder, pkg.Name+"@"+pkg.Version)
}

func pipDownload(ctx context.Context, pkg Package, folder string) error {
	arguments := []string{"download", pkg.Name + "==" + pkg.Version, "--no-deps", "--only-binary=:all:",
		"--platform", pkg.Tags[0], "--python-version", pkg.Tags[1], "--implementation", pkg.Tags[2], "--abi", pkg.Tags[3],
		"--quiet", "--disable-pip-version-check", "--no-input", "--dest", folder}
	for _, pip := range []string{"python3 -m pip", "pip3", "pip"} {
		command := strings.Fields(pip)
		if path, err := exec.LookPath(command[0]); err == nil {
			command[0] = path
		} else {
			continue
		}
		err := run(ctx, folder, append(command, arguments...)...)
		if err == nil || !strings.Contains(err.Error(), "No module named pip") {
			return err
		}
	}
	return errors.New("pip is not installed: install Python 3 with pip")
}

// run starts a client in folder, where it also keeps its temporary files, and
// ends it and its children with the context. The error holds its last words.
func run(ctx context.Context, folder string, command ...string) error {
	var output bytes.Buffer
	client := exec.CommandContext(ctx, command[0], command[1:]...)
	client.Dir = folder
	client.Env = append(os.Environ(), "TMPDIR="+folder, "NO_UPDATE_NOTIFIER=1", "NO_COLOR=1")
	client.Stdout, client.Stderr = &output, &output
	client.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	client.Cancel = func() error { return syscall.Kill(-client.Process.Pid, syscall.SIGKILL) }
	client.WaitDelay = 5 * time.Second
	err := client.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(command[:min(3, len(command))], " "), err, lastWords(output.String()))
	}
	return nil
}

// lastWords picks the most telling line of a failed client's output: the last
// line that names an error, else the last line.
func lastWords(output string) string {
	last, word := "", ""
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		last = line
		if lower := strings.ToLower(line); strings.Contains(lower, "error") && !strings.Contains(lower, "complete log of this run") {
			word = line
		}
	}
	if word == "" {
		word = last
	}
	if word == "" {
		word = "it said nothing"
	}
	return word
}
