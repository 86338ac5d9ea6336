package main

type modelCommand struct {
	List     modelListCommand     `cmd:"" help:"List the models that are here."`
	Pull     modelPullCommand     `cmd:"" help:"Fetch a model from the Hugging Face hub or a mirror."`
	Info     modelInfoCommand     `cmd:"" help:"Say what a model is and where it comes from."`
	New      modelNewCommand      `cmd:"" help:"Write a model with random weights, to train from scratch."`
	Prune    modelPruneCommand    `cmd:"" name:"prune-vocabulary" help:"Write a copy of a model that has only the tokens of given texts."`
	Grow     modelGrowCommand     `cmd:"" name:"grow-vocabulary" help:"Write a copy of a model with tokens for further words."`
	Convert  modelConvertCommand  `cmd:"" help:"Write a copy of a model whose weights are stored in another type."`
	Gate     modelGateCommand     `cmd:"" help:"Judge whether a model may be used in int8, optionally by your own pictures."`
	Verify   modelVerifyCommand   `cmd:"" help:"Compare the files of models with the hashes they should have."`
	Rm       modelRmCommand       `cmd:"" help:"Remove a model from the data folder."`
	Use      modelUseCommand      `cmd:"" help:"Let the data folder use another model."`
	Rollback modelRollbackCommand `cmd:"" help:"Let the data folder use the previous model again."`
}
