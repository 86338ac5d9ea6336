package main

import (
	"fmt"
)

func number(value int) string {
	if value == 0 {
		return "-"
	}
	return fmt.Sprint(value)
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// size is a number of bytes for people.
func size(bytes int64) string {
	if bytes < 1e6 {
		return fmt.Sprintf("%.1f kB", float64(bytes)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
}
