package main

type benchCommand struct {
	Encode benchEncodeCommand `cmd:"" help:"Measure how fast this machine encodes pictures and texts."`
	Train  benchTrainCommand  `cmd:"" help:"Measure how fast this machine trains."`
}
